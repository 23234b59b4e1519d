/**
 * Whether a worker lives. A worker that is ended from outside, or dies of want of memory, says nothing; but the locks it
 * holds are let go. So it holds one for as long as it lives, and the page waits for that lock.
 */

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

/** Looked at so often, milliseconds; a gap of more than `SLEPT` means that the machine slept. */
const LOOK = 5000;
const SLEPT = 60_000;

/** Tells how long the machine slept, in minutes, when it wakes. */
export function watchSleep(woke: (minutes: number) => void): void {
  let last = Date.now();
  setInterval(() => {
    const gap = Date.now() - last;
    last = Date.now();
    if (gap > SLEPT) woke(Math.round(gap / 60_000));
  }, LOOK);
}
