import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bf16ArrayToF16,
  bf16ArrayToF32,
  f16ArrayToF32,
  f16ToF32,
  f32ArrayToBf16,
  f32ArrayToF16,
  f32ToBf16,
} from '../../src/formats/half.ts';

const f32ToF16 = (value: number) => f32ArrayToF16(Float32Array.of(value)).bits[0]!;
/** The upper half of an f32. */
const bf16ToF32 = (bits: number) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;

/** The nearest of all f16 values, ties to the even one, by search: an oracle that shares nothing with the code. */
const finite = Array.from({ length: 0x7c00 }, (_, bits) => ({ bits, value: f16ToF32(bits) }));
function nearestHalf(x: number): number {
  const magnitude = Math.abs(x);
  let [low, high] = [0, finite.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (finite[middle]!.value <= magnitude) low = middle;
    else high = middle - 1;
  }
  const upper = low + 1 < finite.length ? finite[low + 1]!.value : 65536;
  const [below, above] = [magnitude - finite[low]!.value, upper - magnitude];
  const bits = below < above || (below === above && low % 2 === 0) ? low : low + 1;
  return (Object.is(Math.sign(x), -1) || Object.is(x, -0) ? 0x8000 : 0) | bits;
}

describe('f16', () => {
  test('known values', () => {
    const cases: [number, number][] = [
      [0, 0],
      [-0, 0x8000],
      [1, 0x3c00],
      [-2, 0xc000],
      [65504, 0x7bff],
      [65519.996, 0x7bff],
      [65520, 0x7c00],
      [Infinity, 0x7c00],
      [2 ** -24, 1],
      [2 ** -25, 0],
      [1.5 * 2 ** -25, 1],
      [2 ** -14, 0x0400],
      [2049, 0x6800],
      [2051, 0x6802],
      [1 / 3, 0x3555],
    ];
    for (const [value, bits] of cases) expect(f32ToF16(value), String(value)).toBe(bits);
    expect(f32ToF16(NaN) & 0x7fff).toBeGreaterThan(0x7c00);
  });

  test('every f16 survives a trip through f32', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7fff) <= 0x7c00);
    const back = f32ArrayToF16(f16ArrayToF32(all));
    expect(back.bits).toEqual(all);
    expect(back.overflowed).toBe(0);
  });

  test('rounds to the nearest, ties to even', () => {
    fc.assert(fc.property(fc.float({ min: -65519, max: 65519, noNaN: true }), (x) => f32ToF16(x) === nearestHalf(x)));
    for (let i = 1; i < finite.length; i += 7) {
      const tie = (finite[i]!.value + finite[i - 1]!.value) / 2;
      expect(f32ToF16(tie)).toBe(nearestHalf(tie));
    }
  });

  test('finite values beyond 65504 are counted as overflow, infinities are not', () => {
    expect(f32ArrayToF16(Float32Array.of(1e5, -7e4, Infinity, 1, NaN))).toMatchObject({ overflowed: 2 });
    expect(bf16ArrayToF16(Uint16Array.of(f32ToBf16(1e5), 0x7f80, f32ToBf16(3)))).toMatchObject({ overflowed: 1 });
  });
});

describe('bf16', () => {
  test('known values', () => {
    expect([1, -1, 3.1415927, 1.00390625, 1.01171875].map(f32ToBf16)).toEqual([0x3f80, 0xbf80, 0x4049, 0x3f80, 0x3f82]);
    expect(f32ToBf16(NaN)).toBe(0x7fc0);
  });

  test('arrays are converted as single values are, and bf16 → f16 equals bf16 → f32 → f16', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }), (list) => {
        const bits = Uint16Array.from(list).filter((b) => (b & 0x7fff) <= 0x7f80);
        const values = bf16ArrayToF32(bits);
        expect([...values]).toEqual([...bits].map(bf16ToF32));
        expect(f32ArrayToBf16(values)).toEqual(bits);
        expect(bf16ArrayToF16(bits).bits).toEqual(f32ArrayToF16(values).bits);
      }),
    );
  });
});
