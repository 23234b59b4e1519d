/**
 * One block of a JPEG: from coefficients to samples, in the whole numbers of libjpeg's accurate transform (Loeffler,
 * Ligtenberg and Moschytz 1989, 13 bits of fraction), so that the result is the same to the bit.
 */

/** Place in the block of the k-th coefficient. */
export const ZIGZAG: Uint8Array = Uint8Array.from(
  Array.from({ length: 64 }, (_, place) => place).sort((a, b) => {
    const [da, db] = [(a >> 3) + (a & 7), (b >> 3) + (b & 7)];
    // Up odd diagonals down, and back.
    return da - db || (da % 2 ? (a >> 3) - (b >> 3) : (b >> 3) - (a >> 3));
  }),
);

const BITS = 13;
const PASS = 2;
const fixed = (value: number): number => Math.round(value * 2 ** BITS);
const F = {
  a: fixed(0.298631336),
  b: fixed(0.390180644),
  c: fixed(0.5411961),
  d: fixed(0.765366865),
  e: fixed(0.899976223),
  f: fixed(1.175875602),
  g: fixed(1.50132111),
  h: fixed(1.847759065),
  i: fixed(1.96157056),
  j: fixed(2.053119869),
  k: fixed(2.562915447),
  l: fixed(3.072711026),
} as const;

const work = new Int32Array(64);

/** Coefficients [64] in their places times the quantiser → samples 0 … 255, written at `to`, `stride` apart. */
export function inverseTransform(
  coefficients: Int16Array,
  quantiser: Uint16Array,
  out: Uint8Array,
  to: number,
  stride: number,
): void {
  for (let i = 0; i < 64; i++) work[i] = coefficients[i]! * quantiser[i]!;
  for (let column = 0; column < 8; column++) pass(column, 8, BITS - PASS);
  for (let row = 0; row < 8; row++) {
    pass(row * 8, 1, BITS + PASS + 3);
    for (let x = 0; x < 8; x++) out[to + row * stride + x] = Math.max(0, Math.min(255, work[row * 8 + x]! + 128));
  }
}

/** Eight values `step` apart, in place, divided by 2^shift and rounded. */
function pass(at: number, step: number, shift: number): void {
  const v = (i: number): number => work[at + i * step]!;
  const middle = (v(2) + v(6)) * F.c;
  const [low, high] = [middle - v(6) * F.h, middle + v(2) * F.d];
  const [sum, difference] = [(v(0) + v(4)) << BITS, (v(0) - v(4)) << BITS];
  const even = [sum + high, difference + low, difference - low, sum - high];
  const z5 = (v(7) + v(3) + v(5) + v(1)) * F.f;
  const z1 = -(v(7) + v(1)) * F.e;
  const z2 = -(v(5) + v(3)) * F.k;
  const z3 = -(v(7) + v(3)) * F.i + z5;
  const z4 = -(v(5) + v(1)) * F.b + z5;
  const odd = [v(1) * F.g + z1 + z4, v(3) * F.l + z2 + z3, v(5) * F.j + z2 + z4, v(7) * F.a + z1 + z3];
  const half = 1 << (shift - 1);
  for (let i = 0; i < 4; i++) {
    work[at + i * step] = (even[i]! + odd[i]! + half) >> shift;
    work[at + (7 - i) * step] = (even[i]! - odd[i]! + half) >> shift;
  }
}
