import { expect, test } from 'vitest';
import { learningRateAt, learningRateMultiplier, warmupSteps } from '../../src/train/schedule.ts';

const curve = (type: Parameters<typeof learningRateMultiplier>[0], warmup: number, total: number) =>
  Array.from({ length: total + 1 }, (_, step) => learningRateMultiplier(type, step, warmup, total));
const close = (got: number[], wanted: number[]) =>
  got.every((v, i) => Math.abs(v - wanted[i]!) < 1e-12) && got.length === wanted.length;

test('linear rises over the warm-up and falls to 0', () => {
  expect(close(curve('linear', 2, 6), [0, 0.5, 1, 0.75, 0.5, 0.25, 0])).toBe(true);
  expect(close(curve('linear', 0, 4), [1, 0.75, 0.5, 0.25, 0])).toBe(true);
});

test('cosine is half a period after the warm-up', () => {
  const s = Math.SQRT1_2;
  expect(close(curve('cosine', 1, 5), [0, 1, 0.5 + s / 2, 0.5, 0.5 - s / 2, 0])).toBe(true);
});

test('constant ignores the warm-up, constant_with_warmup does not', () => {
  expect(curve('constant', 2, 3)).toEqual([1, 1, 1, 1]);
  expect(curve('constant_with_warmup', 2, 3)).toEqual([0, 0.5, 1, 1]);
});

test('a warm-up as long as the run does not divide by zero', () => {
  expect(curve('linear', 3, 3)).toEqual([0, 1 / 3, 2 / 3, 0]);
  expect(curve('cosine', 3, 3).every(Number.isFinite)).toBe(true);
});

test('warm-up steps are a fraction rounded up, floating-point dust included, as in transformers', () => {
  expect(warmupSteps(0.03, 100)).toBe(3);
  expect(warmupSteps(0.07, 100)).toBe(8); // 100 · 0.07 = 7.000000000000001, in Python too
  expect(warmupSteps(0.1, 7)).toBe(1);
  expect(warmupSteps(0, 7)).toBe(0);
});

test('the learning rate of a step follows its settings', () => {
  const settings = { learningRate: 2e-3, lrSchedulerType: 'linear', warmupRatio: 0.5 } as const;
  expect(learningRateAt(1, 4, settings)).toBeCloseTo(1e-3, 15);
});
