/**
 * Names of the tensors in adapter_model.safetensors, and which of our modules they belong to.
 *
 * Grammar (PEFT 0.21, `save_and_load.py`): `base_model.model.` + module path + part. The adapter's name ("default")
 * is removed on save. Module paths depend on the transformers version that trained the adapter; matching by the exact
 * path is how adapters come to load "successfully" and do nothing (vllm#34186, colpali#424). So names are compared
 * by tower and by what follows the wrapper modules, everything unmatched is reported, and nothing matched is an error.
 */
import { GroundworkError } from '../base/error.ts';
import { legacyName } from './peft-names.ts';

/** What a tensor of an adapter file is. `base`: a whole weight from `modules_to_save`. */
export type AdapterPart =
  | 'lora_A'
  | 'lora_B'
  | 'lora_bias'
  | 'lora_magnitude_vector'
  | 'lora_embedding_A'
  | 'lora_embedding_B'
  | 'base';

/** Which transformers the names are for: `current` ≥ 4.52 and every 5.x, `legacy` ≤ 4.51 (Qwen2-VL and 2.5-VL only). */
export type KeyStyle = 'current' | 'legacy';

const PREFIX = 'base_model.model.';
const SUFFIX: Record<Exclude<AdapterPart, 'base'>, string> = {
  lora_A: '.lora_A.weight',
  lora_B: '.lora_B.weight',
  lora_bias: '.lora_B.bias',
  // These three are bare parameters, not modules: PEFT writes no ".weight".
  lora_magnitude_vector: '.lora_magnitude_vector',
  lora_embedding_A: '.lora_embedding_A',
  lora_embedding_B: '.lora_embedding_B',
};

/** Canonical module name and part → key on disk, e.g. `base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight`. */
export function adapterKey(module: string, part: Exclude<AdapterPart, 'base'>, style: KeyStyle = 'current'): string {
  return PREFIX + (style === 'legacy' ? legacyName(module) : module) + SUFFIX[part];
}

// The optional middle name is the adapter's, present in state dicts dumped without PEFT's save; the optional tail of
// the magnitude vector was written by PEFT < 0.12.
const KEY =
  /^(.+)\.(?:(lora_[AB])(?:\.[^.]+)?\.(weight|bias)|(lora_magnitude_vector|lora_embedding_[AB])(?:\.[^.]+)?(?:\.weight)?)$/;

/** Key on disk → module path as the file spells it, and part; null when it is not an adapter's key. */
export function parseAdapterKey(key: string): { readonly module: string; readonly part: AdapterPart } | null {
  const prefixed = key.startsWith(PREFIX);
  const path = prefixed ? key.slice(PREFIX.length) : key;
  const found = KEY.exec(path);
  if (!found) {
    // Beside an adapter on the head or the embedding PEFT saves the whole matrix as well.
    const module = path.slice(0, path.lastIndexOf('.')).replace(/\.base_layer$/, '');
    return prefixed && path.includes('.') ? { module, part: 'base' } : null;
  }
  const [, module, matrix, leaf, bare] = found;
  if (bare) return { module: module!, part: bare as AdapterPart };
  if (leaf === 'weight') return { module: module!, part: matrix as AdapterPart };
  return matrix === 'lora_B' ? { module: module!, part: 'lora_bias' } : null;
}

// Modules that only wrap others, under the names that versions and classes give them.
const WRAPPERS = new Set([
  'base_model',
  'model',
  'transformer',
  'language_model',
  'text_model',
  'visual',
  'vision_model',
  'vision_tower',
  'encoder',
]);
const VISION = new Set(['visual', 'vision_model', 'vision_tower']);

/** Tower and path below the wrappers: equal for the same module under every version's naming. */
function core(module: string): string {
  const parts = module.split('.');
  let at = 0;
  while (at < parts.length && WRAPPERS.has(parts[at]!)) at++;
  return `${parts.slice(0, at).some((p) => VISION.has(p)) ? 'vision' : 'text'}:${parts.slice(at).join('.')}`;
}

export interface AdapterTensor {
  readonly key: string;
  /** Our canonical module name. */
  readonly module: string;
  readonly part: AdapterPart;
}

export interface AdapterMatch {
  readonly tensors: readonly AdapterTensor[];
  /** Tensors matched, of `total` in the file. */
  readonly matched: number;
  readonly total: number;
  /** Keys in the file that no module of this model answers to, in file order. */
  readonly unmatched: readonly string[];
  /** Matched modules that have only one of A and B; such an adapter is broken. */
  readonly incomplete: readonly string[];
}

/**
 * Finds the module of every tensor in an adapter file. `modules`: canonical names of the model's modules.
 * Throws `adapter-mismatch` when none matches: the adapter would silently do nothing.
 */
export function matchAdapterKeys(keys: readonly string[], modules: readonly string[]): AdapterMatch {
  const exact = new Set(modules);
  const byCore = new Map<string, string | null>();
  for (const module of modules) byCore.set(core(module), byCore.has(core(module)) ? null : module); // null: two modules, no telling which

  const tensors: AdapterTensor[] = [];
  const unmatched: string[] = [];
  const taken = new Set<string>();
  for (const key of keys) {
    const parsed = parseAdapterKey(key);
    const module = parsed && (exact.has(parsed.module) ? parsed.module : byCore.get(core(parsed.module)));
    const place = module && `${module} ${parsed.part}`;
    // A file with both an old and a new spelling of one module: the second would overwrite the first.
    if (!place || taken.has(place)) unmatched.push(key);
    else {
      taken.add(place);
      tensors.push({ key, module, part: parsed.part });
    }
  }
  if (tensors.length === 0)
    throw new GroundworkError(
      'adapter-mismatch',
      `None of the adapter's ${keys.length} tensors belongs to a module of this model (first: ${keys[0] ?? 'none'}; the model has e.g. ${modules[0] ?? 'none'}).`,
      'The adapter was trained for another architecture. Load the base model that its adapter_config.json names.',
    );

  const has = (module: string, part: AdapterPart) => taken.has(`${module} ${part}`);
  const pairs = [
    ['lora_A', 'lora_B'],
    ['lora_embedding_A', 'lora_embedding_B'],
  ] as const;
  const incomplete = [...new Set(tensors.map((t) => t.module))].filter((m) =>
    pairs.some(([a, b]) => has(m, a) !== has(m, b)),
  );
  return { tensors, matched: tensors.length, total: keys.length, unmatched, incomplete };
}
