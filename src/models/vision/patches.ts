/** Pictures as one padded sequence of patches, as every vision tower takes them. */
import type { Recorder } from '../../gpu/recorder.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import type { PixelInput, VisionBatch } from '../model.ts';

/**
 * Every picture is padded to a multiple of this. No tile of an attention kernel has more queries: none reaches into two
 * pictures, so that a picture meets the same tiles wherever in a pass it lies.
 */
const PAD = 64;

/** Patches of a picture in a pass, padded to whole groups of `unit`; padding patches see nothing and no one sees them. */
export function paddedPatches({ height, width }: PixelInput['grid'], unit = 1): number {
  const step = PAD % unit === 0 ? PAD : PAD * unit;
  return Math.ceil((height * width) / step) * step;
}

/** The patches of a pass, and where each picture's begin. */
export function placePictures(
  images: readonly PixelInput[],
  unit = 1,
): { readonly patches: number; readonly bases: readonly number[] } {
  let patches = 0;
  const bases = images.map(({ grid }) => {
    const base = patches;
    patches += paddedPatches(grid, unit);
    return base;
  });
  return { patches, bases };
}

/** Room for the pixels of a pass, `width` values a patch; none where the pictures bring none, since it is only planned. */
export const pixelsOfPass = (
  images: readonly PixelInput[],
  patches: number,
  width: number,
): Float32Array<ArrayBuffer> => new Float32Array(images.some(({ pixels }) => pixels.length) ? patches * width : 0);

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
      this.ranges[4 * i + 2] = this.keys[2 * i] = start;
      this.ranges[4 * i + 3] = this.keys[2 * i + 1] = end;
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
