/**
 * While something of the GPU is waited for, Dawn's binding for Node looks for it in every turn of the event loop, by
 * the global `setImmediate`: a million times in ten seconds, on a core that a software driver could use. Here it looks
 * as often only at first.
 */

/** How long a wait keeps the thread busy, and how long it then sleeps between looks, milliseconds. */
const BUSY_MS = 0.5;
const SLEEP_MS = 1;

export interface Turns {
  /** In the next turn of the event loop. */
  readonly soon: (callback: () => void) => unknown;
  readonly later: (callback: () => void, ms: number) => unknown;
  readonly now: () => number;
}

/** A `setImmediate` whose callers wait calmly. Those that are not native code are not Dawn, and get a turn as ever. */
export function calmly({ soon, later, now }: Turns): (callback: () => void) => unknown {
  // When the wait began in whose look we are; a look that goes on waiting asks for the next one.
  let waitingSince: number | null = null;
  return (callback) => {
    if (!isNative(callback)) return soon(callback);
    const begun = waitingSince ?? now();
    const look = () => {
      waitingSince = begun;
      try {
        callback();
      } finally {
        waitingSince = null;
      }
    };
    return now() - begun < BUSY_MS ? soon(look) : later(look, SLEEP_MS);
  };
}

let calm = false;

/** From here on Dawn waits calmly in this process. */
export function waitCalmly(): void {
  if (calm) return;
  calm = true;
  const { setImmediate: soon, setTimeout: later } = globalThis;
  const patient = calmly({ soon, later, now: () => performance.now() });
  globalThis.setImmediate = ((callback: (...args: unknown[]) => void, ...args: unknown[]) =>
    args.length ? soon(callback, ...args) : patient(callback)) as typeof setImmediate;
}

const isNative = (callback: () => void): boolean =>
  Function.prototype.toString.call(callback).endsWith('{ [native code] }');
