/**
 * Resizing that agrees with Pillow byte for byte, because the models were trained on Pillow's pixels: antialiased
 * convolution in two passes, horizontal then vertical, each rounded to 8 bits, with coefficients as integers of 22
 * fractional bits (Pillow `src/libImaging/Resample.c`, 8 bits a channel). The browser's own scaling differs from
 * browser to browser and is not used.
 */
import { GroundworkError } from '../base/error.ts';
import type { Size } from '../grounding/box.ts';
import type { RgbImage } from './rgb-image.ts';

interface Filter {
  readonly support: number;
  weight(x: number): number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

const FILTERS = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  /** Keys' cubic with a = −0.5. */
  bicubic: {
    support: 2,
    weight: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
      return 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const satisfies Record<string, Filter>;

export type Resampling = keyof typeof FILTERS;

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

interface Coefficients {
  /** Coefficients an output pixel, at most. */
  readonly stride: number;
  /** First input pixel and number of input pixels, per output pixel. */
  readonly bounds: Int32Array;
  readonly weights: Int32Array;
}

function coefficients(inSize: number, outSize: number, filter: Filter): Coefficients {
  const scale = inSize / outSize;
  const stretch = Math.max(scale, 1); // widen the filter only when shrinking
  const support = filter.support * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const bounds = new Int32Array(outSize * 2);
  const weights = new Int32Array(outSize * stride);
  const line = new Float64Array(stride);
  for (let i = 0; i < outSize; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(inSize, Math.trunc(centre + support + 0.5)) - first;
    const inverse = 1 / stretch;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      line[k] = filter.weight((k + first - centre + 0.5) * inverse);
      sum += line[k]!;
    }
    for (let k = 0; k < count; k++) {
      const w = (sum === 0 ? line[k]! : line[k]! / sum) * (1 << PRECISION_BITS);
      weights[i * stride + k] = Math.trunc(w < 0 ? w - 0.5 : w + 0.5);
    }
    bounds[i * 2] = first;
    bounds[i * 2 + 1] = count;
  }
  return { stride, bounds, weights };
}

/** Output pixel `i` of one line: `at` is the line's first byte in `source`, `step` the bytes between neighbours. */
function convolve(
  source: Uint8Array,
  at: number,
  step: number,
  c: Coefficients,
  i: number,
  out: Uint8Array,
  o: number,
): void {
  let r = HALF;
  let g = HALF;
  let b = HALF;
  const first = i * c.stride;
  const end = first + c.bounds[i * 2 + 1]!;
  at += c.bounds[i * 2]! * step;
  for (let k = first; k < end; k++, at += step) {
    const w = c.weights[k]!;
    r += source[at]! * w;
    g += source[at + 1]! * w;
    b += source[at + 2]! * w;
  }
  out[o] = clip(r >> PRECISION_BITS);
  out[o + 1] = clip(g >> PRECISION_BITS);
  out[o + 2] = clip(b >> PRECISION_BITS);
}

const clip = (v: number): number => (v < 0 ? 0 : v > 255 ? 255 : v);

/** `Image.resize(size, resample)` of Pillow for RGB. A size that does not change is a copy. Throws `image-shape` for an empty size. */
export function resize(image: RgbImage, size: Size, resampling: Resampling = 'bicubic'): RgbImage {
  const { width, height } = size;
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0))
    throw new GroundworkError(
      'image-shape',
      `A picture cannot be resized to ${width} × ${height}.`,
      'Look at the picture sizes of the model in its preprocessor_config.json.',
    );
  const filter = FILTERS[resampling];
  let data = image.data;
  if (width !== image.width) {
    const out = new Uint8Array(width * image.height * 3);
    const c = coefficients(image.width, width, filter);
    for (let y = 0; y < image.height; y++)
      for (let x = 0; x < width; x++) convolve(data, y * image.width * 3, 3, c, x, out, (y * width + x) * 3);
    data = out;
  }
  if (height !== image.height) {
    const out = new Uint8Array(width * height * 3);
    const c = coefficients(image.height, height, filter);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) convolve(data, x * 3, width * 3, c, y, out, (y * width + x) * 3);
    data = out;
  }
  return { width, height, data: data === image.data ? new Uint8Array(data) : data };
}
