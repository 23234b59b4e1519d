/** Tables of cos and sin for rotary embeddings, computed in double precision from f32 angles, as torch does in effect. */
import type { Rope } from './rope.ts';

// torch computes frequencies in f32: θ^(2i/d) in double and then rounded agrees to the last bit or two.
export const inverseFrequencies = (count: number, theta: number, dim: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(1 / theta ** ((2 * i) / dim)));

export function writeAngle(table: Float32Array, at: number, angle: number, scaling = 1): void {
  const a = Math.fround(angle);
  table[2 * at] = Math.cos(a) * scaling;
  table[2 * at + 1] = Math.sin(a) * scaling;
}

/** positions [T] → cos and sin per position and frequency, [T, D/2, 2] (RoFormer, arXiv 2104.09864). */
export function rotaryAngles(
  positions: Int32Array,
  { frequencies, scaling }: Pick<Rope, 'frequencies' | 'scaling'>,
): Float32Array<ArrayBuffer> {
  const half = frequencies.length;
  const table = new Float32Array(positions.length * half * 2);
  positions.forEach((p, t) => frequencies.forEach((f, i) => writeAngle(table, t * half + i, p * f, scaling)));
  return table;
}
