/** A picture changed for one draw of its row. What becomes of boxes on it is said in data/variation/picture.ts. */
import { resize } from './resize.ts';
import type { RgbImage } from './rgb-image.ts';

/** Done in this order: cut, mirrored, made smaller, recoloured. */
export interface PictureChange {
  /** What stays of the picture, in its pixels. */
  readonly crop?: readonly [left: number, top: number, right: number, bottom: number];
  /** Mirrored left to right. */
  readonly flip?: true;
  /** Width and height times this, at most 1. */
  readonly scale?: number;
  /** Factors of brightness, contrast and saturation, in this order: torchvision's ColorJitter without hue. */
  readonly colour?: readonly [brightness: number, contrast: number, saturation: number];
}

export function changePixels(image: RgbImage, { crop, flip, scale = 1, colour }: PictureChange): RgbImage {
  let now = image;
  if (crop) now = cut(now, crop);
  if (flip) now = mirrored(now);
  if (scale !== 1) {
    const side = (length: number) => Math.max(1, Math.round(length * scale));
    now = resize(now, { width: side(now.width), height: side(now.height) });
  }
  return colour ? recoloured(now, colour) : now;
}

function cut({ width, data }: RgbImage, [left, top, right, bottom]: NonNullable<PictureChange['crop']>): RgbImage {
  const [across, down] = [right - left, bottom - top];
  const out = new Uint8Array(across * down * 3);
  for (let y = 0; y < down; y++) {
    const from = ((top + y) * width + left) * 3;
    out.set(data.subarray(from, from + across * 3), y * across * 3);
  }
  return { width: across, height: down, data: out };
}

function mirrored({ width, height, data }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      const to = (y * width + width - 1 - x) * 3;
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  return { width, height, data: out };
}

/** `Image.blend` of Pillow for one byte, in its float32: from `a` (factor 0) to `b` (factor 1) and beyond. */
const blend = (a: number, b: number, factor: number): number => {
  const value = Math.fround(a + Math.fround(factor * (b - a)));
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
};
/** Pillow's grey of a pixel (ITU-R 601, 16 bits). */
const greyOf = (r: number, g: number, b: number): number => (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;

/** Each factor mixes the picture with black, with its mean grey, and with its own grey, rounding between as Pillow does. */
function recoloured({ width, height, data }: RgbImage, factors: readonly number[]): RgbImage {
  const [bright, contrast, saturation] = factors.map(Math.fround) as [number, number, number];
  const out = data.map((value) => blend(0, value, bright));
  let sum = 0;
  for (let i = 0; i < out.length; i += 3) sum += greyOf(out[i]!, out[i + 1]!, out[i + 2]!);
  const mean = Math.trunc(sum / (out.length / 3) + 0.5);
  for (let i = 0; i < out.length; i += 3) {
    const [r, g, b] = [0, 1, 2].map((k) => blend(mean, out[i + k]!, contrast)) as [number, number, number];
    const grey = greyOf(r, g, b);
    out[i] = blend(grey, r, saturation);
    out[i + 1] = blend(grey, g, saturation);
    out[i + 2] = blend(grey, b, saturation);
  }
  return { width, height, data: out };
}
