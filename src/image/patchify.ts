/** A resized picture cut into the patches of the Qwen families, in the order of the transformers processors. */
import { invariant } from '../base/error.ts';
import type { Size } from '../grounding/box.ts';
import { normalisationTable, type Normalisation } from './normalise.ts';
import type { RgbImage } from './rgb-image.ts';

export interface PatchLayout {
  readonly patchSize: number;
  /** Patches merged into one token: mergeSize × mergeSize. */
  readonly mergeSize: number;
  /** A still is this many equal frames. */
  readonly temporalPatchSize: number;
}

export interface Patches {
  /** [rows · columns, 3 · temporalPatchSize · patchSize²] f32, patches in the order of merge blocks. */
  readonly values: Float32Array<ArrayBuffer>;
  /** The grid, in patches. */
  readonly rows: number;
  readonly columns: number;
}

/**
 * A picture → normalised patches in the order Qwen2-VL's vision tower reads them: merge blocks in raster order, the
 * patches of a block in raster order, and in a patch channel, frame, row, column. What is left beyond the last whole
 * patch belongs to none, as in the convolution (SmolVLM2 2.2B has tiles of 384 and patches of 14). Source: `patchify` of transformers `models/qwen2_vl/image_processing_pil_qwen2_vl.py`.
 */
export function patchify(image: RgbImage, layout: PatchLayout, normalisation: Normalisation): Patches {
  const { data } = image;
  const table = normalisationTable(normalisation);
  return cut(image, layout, (channel, pixel) => table[channel * 256 + data[3 * pixel + channel]!]!);
}

/** The same for a picture that is normalised already and lies in planes, [3, height, width]. */
export function cutPlanes(planes: Float32Array, size: Size, layout: PatchLayout): Patches {
  const plane = size.width * size.height;
  return cut(size, layout, (channel, pixel) => planes[channel * plane + pixel]!);
}

function cut(
  { width, height }: Size,
  { patchSize: p, mergeSize: m, temporalPatchSize: frames }: PatchLayout,
  value: (channel: number, pixel: number) => number,
): Patches {
  const [rows, columns] = [Math.floor(height / p), Math.floor(width / p)];
  invariant(
    rows % m === 0 && columns % m === 0,
    `${width} × ${height} is not a multiple of ${m} patches of ${p} pixels.`,
  );
  const frame = p * p;
  const values = new Float32Array(rows * columns * 3 * frames * frame);
  let patch = 0; // where the patch begins
  for (let blockRow = 0; blockRow < rows; blockRow += m)
    for (let blockColumn = 0; blockColumn < columns; blockColumn += m)
      for (let row = blockRow; row < blockRow + m; row++)
        for (let column = blockColumn; column < blockColumn + m; column++) {
          for (let channel = 0; channel < 3; channel++) {
            const first = patch + channel * frames * frame;
            for (let y = 0, o = first; y < p; y++) {
              const at = (row * p + y) * width + column * p;
              for (let x = 0; x < p; x++) values[o++] = value(channel, at + x);
            }
            for (let copy = 1; copy < frames; copy++) values.copyWithin(first + copy * frame, first, first + frame);
          }
          patch += 3 * frames * frame;
        }
  return { values, rows, columns };
}
