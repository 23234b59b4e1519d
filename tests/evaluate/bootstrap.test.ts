import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { bootstrapInterval, pairedBootstrapInterval, quantile } from '../../src/evaluate/bootstrap.ts';

const coins = (n: number, p: number, seed: number) => {
  const random = new Random(seed);
  return Array.from({ length: n }, () => Number(random.uniform() < p));
};

test('an interval of hits has the width that the binomial says', () => {
  const values = coins(400, 0.5, 1);
  const mean = values.reduce((a, b) => a + b, 0) / 400;
  const [low, high] = bootstrapInterval(values, { seed: 3 });
  const half = 1.96 * Math.sqrt((mean * (1 - mean)) / 400);
  expect(low).toBeCloseTo(mean - half, 1.9);
  expect(high).toBeCloseTo(mean + half, 1.9);
});

test('95 % intervals cover the truth about 95 times of 100', () => {
  let covered = 0;
  for (let i = 0; i < 200; i++) {
    const [low, high] = bootstrapInterval(coins(100, 0.4, 100 + i), { seed: i, resamples: 300 });
    covered += Number(low <= 0.4 && 0.4 <= high);
  }
  expect(covered / 200).toBeGreaterThan(0.89);
  expect(covered / 200).toBeLessThan(0.99);
});

test('the seed decides the interval', () => {
  const values = Array.from({ length: 60 }, (_, i) => Math.sin(i));
  expect(bootstrapInterval(values, { seed: 1 })).toEqual(bootstrapInterval(values, { seed: 1 }));
  expect(bootstrapInterval(values, { seed: 1 })).not.toEqual(bootstrapInterval(values, { seed: 2 }));
});

test('the interval contains no value beyond the rows’ and is ordered', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (values) => {
      const [low, high] = bootstrapInterval(values, { seed: 1, resamples: 50 });
      expect(low).toBeLessThanOrEqual(high);
      expect(low).toBeGreaterThanOrEqual(Math.min(...values) - 1e-12);
      expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-12);
    }),
    { numRuns: 50 },
  );
});

test('paired rows settle a difference that two single intervals leave open', () => {
  const before = coins(200, 0.5, 9);
  const after = before.map((v, i) => (i % 20 === 0 ? 1 : v)); // better on a few rows, worse on none
  const [low] = pairedBootstrapInterval(before, after, { seed: 1 });
  expect(low).toBeGreaterThan(0);
  expect(bootstrapInterval(before, { seed: 1 })[1]).toBeGreaterThan(bootstrapInterval(after, { seed: 1 })[0]);
  expect(() => pairedBootstrapInterval([1], [1, 2], { seed: 1 })).toThrow(
    expect.objectContaining({ code: 'internal' }),
  );
});

test('no rows have no interval, one row has no width', () => {
  expect(bootstrapInterval([], { seed: 1 })).toEqual([NaN, NaN]);
  expect(bootstrapInterval([0.3], { seed: 1 })[0]).toBeCloseTo(0.3, 12);
});

test('quantiles are interpolated as NumPy’s', () => {
  expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
  expect(quantile([1, 2, 3, 4], 1)).toBe(4);
  expect(quantile([5], 0.5)).toBe(5);
});
