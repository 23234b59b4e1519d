/** Sleep is told by the clock on the wall: timers stand still with the machine, and the clock does not. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sleepNotice, watchSleep } from '../../src/engine/life.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sleep = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

test('a gap in the ticks is told once, with its length; work that takes its time is no sleep', () => {
  const woke = vi.fn<(minutes: number) => void>();
  watchSleep(woke);
  vi.advanceTimersByTime(600_000);
  sleep(40);
  vi.advanceTimersByTime(5000);
  expect(woke).not.toHaveBeenCalled();
  sleep(12 * 60);
  vi.advanceTimersByTime(60_000);
  expect(woke.mock.calls).toEqual([[12]]);
});

test('the notice speaks of a run only if there is one, and says what becomes of it', () => {
  expect(sleepNotice(12, 'running')).toMatch(/^For 12 minutes nothing ran.* The run continues\. .*last checkpoint\.$/);
  expect(sleepNotice(1, 'paused')).toMatch(/^For 1 minute nothing.* The run is still paused\.$/);
  for (const state of ['idle', 'finished', 'failed'] as const) expect(sleepNotice(3, state)).not.toMatch(/ run /);
});
