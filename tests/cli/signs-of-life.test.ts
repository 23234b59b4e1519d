import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { signsOfLife } from '../../src/cli/signs-of-life.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a command that is quiet for long says so every fifteen seconds, counted from what it said last', () => {
  const said: number[] = [];
  const signs = signsOfLife((seconds) => said.push(seconds));
  vi.advanceTimersByTime(14_000);
  expect(said).toEqual([]);
  signs.seen();
  vi.advanceTimersByTime(14_000);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(20_000);
  expect(said).toEqual([15, 30]);
  signs.seen();
  vi.advanceTimersByTime(15_000);
  expect(said).toEqual([15, 30, 15]);
  signs.stop();
  vi.advanceTimersByTime(60_000);
  expect(said).toHaveLength(3);
});
