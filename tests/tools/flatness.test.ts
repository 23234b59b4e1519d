/** What a soak calls flat, and what it does not. */
import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { flatness } from '../../tools/soak/flatness.ts';

const noisy = (slope: number, noise: number) => {
  const random = new Random(4);
  return Array.from({ length: 100 }, (_, i) => 1000 + slope * i + noise * random.normal());
};

test('noise is flat, and so is what falls or stands still', () => {
  expect(flatness(noisy(0, 5)).flat).toBe(true);
  expect(flatness(noisy(-3, 5)).flat).toBe(true);
  expect(flatness([7, 7, 7, 7])).toEqual({ mean: 7, gain: 0, noise: 0, flat: true });
});

test('a leak is not flat, though noise hides it from step to step', () => {
  const { flat, gain } = flatness(noisy(1, 10));
  expect(flat).toBe(false);
  expect(gain).toBeCloseTo(99, -1);
  expect(flatness(Array.from({ length: 20 }, (_, i) => 100 + i)).flat).toBe(false);
});
