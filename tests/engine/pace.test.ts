import { describe, expect, test } from 'vitest';
import { Pace } from '../../src/engine/run/clock.ts';

const counted = (unit: string, done: number, total: number, preparing?: true) =>
  ({ type: 'progress', unit, done, total, ...(preparing && { preparing }) }) as const;

describe('what is left of a stage', () => {
  test('is told of each thing that is counted from when its counting began', () => {
    const pace = new Pace(0);
    expect(pace.left(counted('kernels compiled', 10, 20, true), 30)).toBe(30);
    expect(pace.left(counted('kernels compiled', 20, 20, true), 40)).toBe(0);
    expect(pace.left(counted('rows encoded', 50, 100, true), 45)).toBe(5);
    expect(pace.left(counted('steps', 0, 10), 50)).toBeNull();
    expect(pace.left(counted('steps', 1, 10), 52)).toBe(63);
    expect(pace.left(counted('steps', 2, 10), 53)).toBe(32);
  });

  test('is told, after an interruption, from what this visit did', () => {
    const pace = new Pace(1000);
    expect(pace.left(counted('rows encoded', 50, 100, true), 1005)).toBe(5);
    expect(pace.left(counted('steps', 501, 1000), 1020)).toBeNull();
    expect(pace.left(counted('steps', 502, 1000), 1022)).toBe(498 * 2);
  });
});
