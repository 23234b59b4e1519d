import { expect, test } from 'vitest';
import { mcNemarExact, wilsonInterval } from '../../src/evaluate/interval.ts';

test('none of six is not none for sure: 0 to 39 per cent', () => {
  const [low, high] = wilsonInterval(0, 6);
  expect(low).toBe(0);
  expect(high).toBeCloseTo(0.3903, 4);
  expect(wilsonInterval(6, 6)).toEqual([expect.closeTo(1 - 0.3903, 4), 1]);
});

test('Wilson’s interval of 42 in 101, computed by hand in double precision', () => {
  expect(wilsonInterval(42, 101)[0]).toBeCloseTo(0.3245315706, 9);
  expect(wilsonInterval(42, 101)[1]).toBeCloseTo(0.5133188353, 9);
  expect(wilsonInterval(0, 0)).toEqual([NaN, NaN]);
});

test('McNemar’s exact p is the two-sided binomial’s', () => {
  expect(mcNemarExact(0, 0)).toBe(1);
  expect(mcNemarExact(5, 5)).toBe(1);
  expect(mcNemarExact(6, 0)).toBeCloseTo(2 / 64, 12);
  expect(mcNemarExact(1, 9)).toBeCloseTo((2 * 11) / 1024, 12);
  expect(mcNemarExact(9, 1)).toBe(mcNemarExact(1, 9));
  // 2^-3000 is no double; the tail still is none but small.
  expect(mcNemarExact(1600, 1400)).toBeGreaterThan(1e-6);
  expect(mcNemarExact(1600, 1400)).toBeLessThan(0.01);
});
