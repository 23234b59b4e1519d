/** Pictures as one padded sequence of patches, as every vision tower takes them. */
import type { Recorder } from '../../gpu/recorder.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import type { PixelInput, VisionBatch } from '../model.ts';

/** Patches are padded to a multiple of this: passes of nearby sizes share a program. */
const PAD = 64;

/** Patches of a pass, padded to whole groups of `unit`; padding patches see nothing and no one sees them. */
export function paddedPatches(images: readonly PixelInput[], unit = 1): number {
  const step = PAD % unit === 0 ? PAD : PAD * unit;
  return Math.ceil(images.reduce((sum, { grid }) => sum + grid.height * grid.width, 0) / step) * step;
}

/** Values of one patch. */
export const patchWidth = ([first]: readonly PixelInput[]): number =>
  first ? first.pixels.length / (first.grid.height * first.grid.width) : 0;

/** Ranges of ops/attention.ts: rows `start` … `end` see each other, and nothing else. */
export class BlockRanges {
  readonly ranges: Uint32Array<ArrayBuffer>;
  readonly keys: Uint32Array<ArrayBuffer>;

  constructor(rows: number) {
    this.ranges = new Uint32Array(4 * rows);
    this.keys = new Uint32Array(2 * rows);
  }

  add(start: number, end: number): void {
    for (let i = start; i < end; i++) {
      this.ranges.set([0, 0, start, end], 4 * i);
      this.keys.set([start, end], 2 * i);
    }
  }
}

const DTYPES = [
  [Float32Array, 'f32'],
  [Uint32Array, 'u32'],
  [Int32Array, 'i32'],
] as const;

/** An input tensor for each array of a batch; `shapes` gives those that are not flat. */
export function batchInputs<K extends string>(
  rec: Recorder,
  batch: VisionBatch,
  shapes: Readonly<Record<K, readonly number[]>>,
): Record<K, Tensor> {
  return Object.fromEntries(
    (Object.keys(shapes) as K[]).map((name) => {
      const array = batch.arrays[name]!;
      const [, dtype] = DTYPES.find(([type]) => array instanceof type)!;
      return [name, rec.input(name, shapes[name], dtype)];
    }),
  ) as Record<K, Tensor>;
}
