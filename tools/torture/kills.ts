/** Which kills a campaign makes: the seed and the number decide, and nothing else. */
import { Random } from '../../src/base/random.ts';

/** Ways to interrupt a run, and how many of a hundred kills each one is. */
export const WAYS = {
  /** `kill -9` of the command, from within one of its changes of a file, or a while after it. */
  kill: 6,
  /** The power fails: what was not flushed is lost in part, reordered and torn. */
  power: 36,
  /** The process is gone, and what it wrote stays as it was. */
  gone: 22,
  /** The device is destroyed; the run opens another one and goes on by itself. */
  device: 6,
  /** No room is left on the disk, in the middle of a write. */
  full: 12,
  /** The clock jumps a day ahead or back. */
  clock: 8,
  /** The process is stopped for a while, and its clock has gone on by a minute. */
  frozen: 5,
  /** A stage throws. */
  throws: 2,
  /** Somebody stops the run. */
  stopped: 3,
} as const;

export type Way = keyof typeof WAYS;

/** The same in Chromium. */
export const BROWSER_WAYS = {
  /** The page's engine is ended, and another takes its place. */
  terminated: 22,
  reloaded: 14,
  /** The page is closed, and another opened. */
  closed: 12,
  /** `kill -9` of the process that page and worker run in. */
  crashed: 8,
  /** `kill -9` of the browser with all its processes. */
  killed: 4,
  device: 10,
  /** The quota of the page's storage is used up. */
  full: 10,
  clock: 8,
  frozen: 6,
  stopped: 4,
  /** The browser clears the page's storage: nothing can come back, and the run's file starts it anew. */
  cleared: 2,
} as const;

export type BrowserWay = keyof typeof BROWSER_WAYS;

export interface Kill<W extends string = Way> {
  /** In the campaign. */
  readonly number: number;
  readonly way: W;
  /** How far the run is then, of all its units of work: 0 its beginning, 1 its end. */
  readonly at: number;
  /** In the middle of a change on disk, or so many milliseconds after it. */
  readonly moment: 'inside' | number;
  /** For whatever else is drawn: what outlives a power cut, which way a clock jumps. */
  readonly seed: number;
}

/** Kills of one run, evenly over its length. */
export const KILLS_A_RUN = 20;
const LONGEST_WAIT_MS = 250;

/** The kills of run number `run` of a campaign, in the order of the run. */
export function killsOf(seed: number, run: number): Kill[];
export function killsOf<W extends string>(seed: number, run: number, ways: Readonly<Record<W, number>>): Kill<W>[];
export function killsOf(seed: number, run: number, ways: Readonly<Record<string, number>> = WAYS): Kill<string>[] {
  const random = new Random(seed * 1_000_003 + run);
  const total = Object.values(ways).reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: KILLS_A_RUN }, (_, i) => {
    let left = random.below(total);
    const way = Object.keys(ways).find((name) => (left -= ways[name]!) < 0)!;
    return {
      number: run * KILLS_A_RUN + i,
      way,
      at: (i + random.uniform()) / KILLS_A_RUN,
      moment: random.below(2) === 0 ? 'inside' : random.below(LONGEST_WAIT_MS),
      seed: random.u32(),
    };
  });
}
