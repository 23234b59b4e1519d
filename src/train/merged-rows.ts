/** Weights with adapters in them, computed on the host from the original checkpoint, in f32, some rows at a time. */
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import { toFloat32 } from '../formats/safetensors.ts';
import { matrixShape } from '../models/manifest.ts';
import type { AdapterMatrices, AdapterTarget } from '../nn/adapter.ts';

/** An adapter that was folded in, as PEFT would store it. */
export interface MergedAdapter {
  readonly targets: readonly AdapterTarget[];
  readonly matrices: ReadonlyMap<string, AdapterMatrices>;
  /** DoRA's row norms [out] by module; absent for LoRA. */
  readonly magnitudes?: ReadonlyMap<string, Float32Array>;
}

/** Values computed at a time. */
const BLOCK = 1 << 20;

/** @param unit rows that stay together: blocks are of whole ones */
export function* rowBlocks(rows: number, columns: number, unit = 1): Generator<[first: number, count: number]> {
  const size = Math.max(1, Math.floor(BLOCK / Math.max(1, columns * unit))) * unit;
  for (let first = 0; first < rows; first += size) yield [first, Math.min(size, rows - first)];
}

/**
 * A module's weight [out, in] with adapters folded in, in order, each on what the one before left:
 * LoRA W + s·B·A; DoRA (arXiv 2402.09353) m / ‖W + s·B·A‖ · (W + s·B·A), the norm over the inputs of each row.
 * @param key of the module's weight in the checkpoint
 * @param part some of its rows, in blocks of whole `unit`s; `first` counts from the weight's first row
 */
export async function* mergedRows(
  checkpoint: CheckpointWeights,
  key: string,
  module: string,
  adapters: readonly MergedAdapter[],
  part: { readonly from?: number; readonly count?: number; readonly unit?: number } = {},
): AsyncGenerator<{ readonly first: number; readonly values: Float32Array<ArrayBuffer> }> {
  const { dtype, shape } = checkpoint.tensors.get(key)!;
  const [rows, columns] = matrixShape({ shape });
  const { from = 0, count: wanted = rows, unit = 1 } = part;
  for (const [at, count] of rowBlocks(wanted, columns, unit)) {
    const first = from + at;
    const values = toFloat32(await checkpoint.readRows(key, first, count), dtype).slice();
    for (const adapter of adapters) foldRows(values, first, count, module, adapter);
    yield { first, values };
  }
}

function foldRows(values: Float32Array, first: number, count: number, module: string, adapter: MergedAdapter): void {
  const target = adapter.targets.find((t) => t.module === module);
  if (!target) return;
  const { a, b } = adapter.matrices.get(module)!;
  const { r, inFeatures, scaling } = target;
  const magnitude = adapter.magnitudes?.get(module);
  for (let row = 0; row < count; row++) {
    const line = values.subarray(row * inFeatures, (row + 1) * inFeatures);
    for (let k = 0; k < r; k++) {
      const factor = scaling * b[(first + row) * r + k]!;
      if (factor !== 0) for (let i = 0; i < inFeatures; i++) line[i]! += factor * a[k * inFeatures + i]!;
    }
    if (!magnitude) continue;
    let squares = 0;
    for (const v of line) squares += v * v;
    const scale = magnitude[first + row]! / Math.sqrt(squares);
    for (let i = 0; i < inFeatures; i++) line[i]! *= scale;
  }
}
