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

export interface Kill {
  /** In the campaign. */
  readonly number: number;
  readonly way: Way;
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
export function killsOf(seed: number, run: number, count = KILLS_A_RUN): Kill[] {
  const random = new Random(seed * 1_000_003 + run);
  const total = Object.values(WAYS).reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: count }, (_, i) => {
    let left = random.below(total);
    const way = (Object.keys(WAYS) as Way[]).find((name) => (left -= WAYS[name]) < 0)!;
    return {
      number: run * KILLS_A_RUN + i,
      way,
      at: (i + random.uniform()) / count,
      moment: random.below(2) === 0 ? 'inside' : random.below(LONGEST_WAIT_MS),
      seed: random.u32(),
    };
  });
}
