/**
 * What a picture looks like from afar, to find pictures that were scaled, packed again or made a little lighter. A
 * difference hash of 64 bits (is each of 9 × 8 grey cells lighter than its neighbour to the right?) finds candidates, and
 * a grey picture of 16 × 16 confirms them. Crops, mirrors and turned pictures look different here.
 */
import type { RgbImage } from './rgb-image.ts';

/** Cells along each side of the grey picture. */
const SIDE = 16;

export interface Look {
  /** Bits of the hash: the first 32, the others. */
  readonly hash: readonly [number, number];
  /** u8 [16, 16] luma. */
  readonly grey: Uint8Array;
}

/** Bits in which hashes of one picture may differ. Pictures that differ in up to 7 share one of 8 bytes. */
export const FURTHEST = 7;
/** Pearson's correlation of the grey pictures from which two are alike. */
const LIKENESS = 0.985;
/** Steps of luma up to this are none: what JPEG leaves on a plain ground is no light and shade. */
const STEP = 2;
/** Standard deviation of the grey picture below which there is nothing to tell it by, of 255. */
const FLAT = 3;

/** Mean luma (ITU-R BT.601) of each of `columns` × `rows` cells. */
function cells({ width, height, data }: RgbImage, columns: number, rows: number): Float64Array {
  const means = new Float64Array(columns * rows);
  const edge = (i: number, n: number, of: number) => Math.min(of - 1, Math.floor((i * of) / n));
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const [left, top] = [edge(column, columns, width), edge(row, rows, height)];
      const right = Math.max(left + 1, Math.floor(((column + 1) * width) / columns));
      const bottom = Math.max(top + 1, Math.floor(((row + 1) * height) / rows));
      let sum = 0;
      for (let y = top; y < bottom; y++)
        for (let x = left, at = 3 * (y * width + left); x < right; x++, at += 3)
          sum += 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
      means[row * columns + column] = sum / ((right - left) * (bottom - top));
    }
  return means;
}

/** null: it has one tone all over, and looks like any other that has. */
export function lookOf(image: RgbImage): Look | null {
  const grey = Uint8Array.from(cells(image, SIDE, SIDE), (v) => Math.round(v));
  if (deviation(grey) < FLAT) return null;
  const coarse = cells(image, 9, 8);
  const hash: [number, number] = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const at = 9 * (bit >> 3) + (bit & 7);
    if (coarse[at]! > coarse[at + 1]! + STEP) hash[bit >> 5]! |= 1 << (bit & 31);
  }
  return { hash: [hash[0] >>> 0, hash[1] >>> 0], grey };
}

const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};

function deviation(values: ArrayLike<number>): number {
  const middle = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - middle) ** 2;
  return Math.sqrt(sum / values.length);
}

function ones(v: number): number {
  let n = v - ((v >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

function correlation(a: Uint8Array, b: Uint8Array): number {
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i]! - ma, b[i]! - mb];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return ab / Math.sqrt(aa * bb);
}

export function looksAlike(a: Look, b: Look): boolean {
  const apart = ones(a.hash[0] ^ b.hash[0]) + ones(a.hash[1] ^ b.hash[1]);
  return apart <= FURTHEST && correlation(a.grey, b.grey) >= LIKENESS;
}
