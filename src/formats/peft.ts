/** PEFT's LoRA adapters on disk: the configuration, the tensors' names, and old and new module names. */
export {
  type AdapterConfig,
  type AdapterConfigReading,
  type ModulePattern,
  readAdapterConfig,
  writeAdapterConfig,
} from './peft-config.ts';
export {
  type AdapterMatch,
  type AdapterPart,
  type AdapterTensor,
  type KeyStyle,
  adapterKey,
  matchAdapterKeys,
  parseAdapterKey,
} from './peft-keys.ts';
export { canonicalName, legacyName } from './peft-names.ts';
