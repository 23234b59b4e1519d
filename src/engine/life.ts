/**
 * Whether a worker lives. A worker that is ended from outside, or dies of want of memory, says nothing; but the locks it
 * holds are let go. So it holds one for as long as it lives, and the page waits for that lock.
 */
import type { RunState } from './protocol/run.ts';

/** In the worker. `held` is called when the lock is held. */
export function holdLife(name: string, held: () => void): void {
  void navigator.locks.request(name, () => {
    held();
    return new Promise<never>(() => undefined);
  });
}

/** In the page, after the worker told that it holds its lock. */
export function watchLife(name: string, gone: () => void): void {
  void navigator.locks.request(name, gone);
}

/** A lock for a tab's lifetime; null if another tab has it (Projects). */
export function takeLock(name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(null);
        return new Promise<void>((release) => resolve(() => release()));
      })
      .catch(reject);
  });
}

/** Looked at so often, milliseconds; a gap of more than `SLEPT` means that nothing ran. A hidden page's own timers come once a minute; a worker's do not slow. */
const LOOK = 5000;
const SLEPT = 60_000;

/** Tells how long nothing ran, in minutes, when it runs again: the machine slept, or the browser froze the page. */
export function watchSleep(woke: (minutes: number) => void): void {
  let last = Date.now();
  setInterval(() => {
    const gap = Date.now() - last;
    last = Date.now();
    if (gap > SLEPT) woke(Math.round(gap / 60_000));
  }, LOOK);
}

/** What the user is told then. */
export function sleepNotice(minutes: number, state: RunState): string {
  const slept = `For ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} nothing ran: the machine slept, or the browser froze this tab.`;
  if (state === 'running' || state === 'stopping')
    return `${slept} The run continues. If the graphics device was lost, it resumes from the last checkpoint.`;
  return state === 'paused' ? `${slept} The run is still paused.` : slept;
}
