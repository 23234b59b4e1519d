/** The size that the Qwen processors resize a picture to, by the limits on its pixels. */
import { GroundworkError } from '../base/error.ts';
import type { Size } from '../grounding/box.ts';
import { roundHalfEven } from '../grounding/round.ts';

export interface ResizeLimits {
  /** Both sides become multiples of it: patch size × merge size. */
  readonly factor: number;
  readonly minPixels: number;
  readonly maxPixels: number;
}

const MAX_RATIO = 200;

/**
 * The size at which Qwen's families see a picture: sides rounded to multiples of `factor` (halves to even), area
 * within the limits, shape kept as far as that allows. Source: `smart_resize` of transformers
 * `models/qwen2_vl/image_processing_qwen2_vl.py`. Throws `image-shape` for an empty picture and for one more than
 * 200 times as long as wide, as the original does.
 */
export function smartResize({ width, height }: Size, { factor, minPixels, maxPixels }: ResizeLimits): Size {
  if (!(width > 0 && height > 0))
    throw new GroundworkError(
      'image-shape',
      `A picture of ${width} × ${height} pixels is empty.`,
      'Remove or replace it.',
    );
  if (Math.max(width, height) / Math.min(width, height) > MAX_RATIO)
    throw new GroundworkError(
      'image-shape',
      `A picture of ${width} × ${height} pixels is too narrow: the model takes at most 1 : ${MAX_RATIO}.`,
      'Crop or remove it.',
    );
  const up = (x: number) => Math.ceil(x / factor) * factor;
  const down = (x: number) => Math.max(factor, Math.floor(x / factor) * factor);
  const rounded = { width: roundHalfEven(width / factor) * factor, height: roundHalfEven(height / factor) * factor };
  const area = rounded.width * rounded.height;
  if (area > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    return { width: down(width / beta), height: down(height / beta) };
  }
  if (area < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    return { width: up(width * beta), height: up(height * beta) };
  }
  return rounded;
}
