/** What a model report says of the storage that was asked for. */
import type { StorageChoice, WeightsReport } from '../../../src/engine/protocol/index.ts';

const LOST: Readonly<Record<string, number>> = { int8: 0.0057, int4: 0.0893, nf4: 0.0901 };

export function heldAs(choice: StorageChoice): WeightsReport {
  const storage = choice === 'auto' ? 'f32' : choice;
  const lost = LOST[storage];
  if (lost === undefined) return { storage, quantised: null };
  const tensors = Array.from({ length: 6 }, (_, layer) =>
    ['self_attn.q_proj', 'self_attn.v_proj', 'mlp.down_proj'].map((module, i) => ({
      name: `model.language_model.layers.${layer}.${module}.weight`,
      format: storage,
      relativeRms: lost * (1.08 - 0.01 * layer - 0.02 * i),
      largest: 0.041 - 0.002 * layer,
    })),
  ).flat();
  return { storage, quantised: { parameters: 3_145_728, relativeRms: lost, largest: 0.041, tensors } };
}
