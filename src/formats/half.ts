/**
 * The two 16-bit floats, as bits: IEEE half (f16) and bfloat16 (bf16). Rounding is to nearest, ties to even, as
 * PyTorch's `.to(dtype)` does. f16 ends at 65504: finite values beyond become infinity and are counted, because a
 * checkpoint that overflows silently answers nonsense.
 */
const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

const INFINITY_F16 = 0x7c00;

/** Bits of an f32 → bits of the nearest f16. */
function halfOfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | INFINITY_F16; // 65520 and above round away from the largest finite value
  if (magnitude >= 0x38800000) return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13);
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal
  const shift = 126 - (magnitude >>> 23);
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const quotient = significand >>> shift;
  const remainder = significand & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return sign | (quotient + (remainder > tie || (remainder === tie && (quotient & 1) === 1) ? 1 : 0));
}

/** Bits of an f32 → bits of the nearest bf16. NaN becomes the quiet NaN PyTorch writes. */
function bfloatOfBits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function f32ToBf16(value: number): number {
  scratch[0] = value;
  return bfloatOfBits(scratchBits[0]!);
}

export function f16ToF32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let f16Values: Float32Array | undefined;

/** f16 bits [n] → f32 [n]. */
export function f16ArrayToF32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  f16Values ??= Float32Array.from({ length: 65536 }, (_, i) => f16ToF32(i));
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = f16Values[bits[i]!]!;
  return values;
}

/** bf16 bits [n] → f32 [n]; exact. */
export function bf16ArrayToF32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits.length);
  const out = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i]! << 16;
  return values;
}

export interface Halves {
  /** f16 bits. */
  readonly bits: Uint16Array<ArrayBuffer>;
  /** Finite inputs that became infinite. */
  readonly overflowed: number;
}

/** f32 [n] → f16 bits [n]. */
export function f32ArrayToF16(values: Float32Array): Halves {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  let overflowed = 0;
  for (let i = 0; i < source.length; i++) {
    const half = halfOfBits(source[i]!);
    bits[i] = half;
    if ((half & 0x7fff) === INFINITY_F16 && (source[i]! & 0x7fffffff) !== 0x7f800000) overflowed++;
  }
  return { bits, overflowed };
}

/** f32 [n] → bf16 bits [n]. */
export function f32ArrayToBf16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < source.length; i++) bits[i] = bfloatOfBits(source[i]!);
  return bits;
}

/** bf16 bits [n] → f16 bits [n]. */
export function bf16ArrayToF16(source: Uint16Array): Halves {
  const bits = new Uint16Array(source.length);
  let overflowed = 0;
  for (let i = 0; i < source.length; i++) {
    const half = halfOfBits((source[i]! << 16) >>> 0);
    bits[i] = half;
    if ((half & 0x7fff) === INFINITY_F16 && (source[i]! & 0x7fff) !== 0x7f80) overflowed++;
  }
  return { bits, overflowed };
}
