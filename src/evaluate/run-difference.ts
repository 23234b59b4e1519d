/**
 * Is one run better than another? On the same rows the difference is paired: rows hard for one are hard for the other.
 * Else the two shares are independent, and the interval is Newcombe's hybrid score interval (Newcombe 1998, method 10).
 */
import { pairedBootstrapInterval, type Interval } from './bootstrap.ts';
import { mcNemarExact, wilsonInterval } from './interval.ts';
import { isHit } from './pairs.ts';

export interface RunDifference {
  /** The same rows were compared, one by one. */
  readonly paired: boolean;
  /** Rows of each; the same number where they are paired. */
  readonly n: readonly [before: number, after: number];
  /** Acc@0.5 of `after` less that of `before`. */
  readonly difference: number;
  /** 95 %. */
  readonly interval: Interval;
  /** Rows that only `after` hits, and that only `before` hits; null where rows are not paired. */
  readonly gained: number | null;
  readonly lost: number | null;
  /** McNemar's exact p; null where rows are not paired. */
  readonly p: number | null;
}

/** Hits and rows of an evaluation. */
export interface Share {
  readonly hits: number;
  readonly n: number;
}

/** 95 % interval of the difference of two independent shares; NaN of no rows. */
export function newcombeInterval(before: Share, after: Share): Interval {
  const [a, b] = [before.hits / before.n, after.hits / after.n];
  const [[lowA, highA], [lowB, highB]] = [wilsonInterval(before.hits, before.n), wilsonInterval(after.hits, after.n)];
  const difference = b - a;
  return [difference - Math.hypot(b - lowB, highA - a), difference + Math.hypot(highB - b, a - lowA)];
}

export function unpairedDifference(before: Share, after: Share): RunDifference {
  return {
    paired: false,
    n: [before.n, after.n],
    difference: after.hits / after.n - before.hits / before.n,
    interval: newcombeInterval(before, after),
    gained: null,
    lost: null,
    p: null,
  };
}

/** @param rows the value (IoU, or 1) that each same row had before and after; at least one */
export function pairedRunDifference(rows: readonly (readonly [before: number, after: number])[]): RunDifference {
  const [before, after] = [0, 1].map((i) => rows.map((pair) => Number(isHit(pair[i]!)))) as [number[], number[]];
  const gained = after.filter((hit, i) => hit > before[i]!).length;
  const lost = after.filter((hit, i) => hit < before[i]!).length;
  return {
    paired: true,
    n: [rows.length, rows.length],
    difference: (gained - lost) / rows.length,
    interval: pairedBootstrapInterval(before, after, { seed: 0 }),
    gained,
    lost,
    p: mcNemarExact(gained, lost),
  };
}
