/** Two models on the rows that both answered: the difference of their hits with its interval, and rows gained and lost. */
import type { BenchmarkScores } from './benchmark-scores.ts';
import { pairedBootstrapInterval, type Interval } from './bootstrap.ts';
import { mcNemarExact } from './interval.ts';

/** From this on an answer is a hit: IoU, or 1 of a right letter. */
export const HIT = 0.5;

export const isHit = (value: number): boolean => value >= HIT;

export interface PairedDifference {
  readonly before: string;
  readonly after: string;
  readonly reading: 'strict' | 'as published';
  /** Rows that both answered. */
  readonly n: number;
  /** Hits of `after` less those of `before`, as a share of the rows. */
  readonly difference: number;
  /** 95 %, paired bootstrap. */
  readonly interval: Interval;
  /** Rows that only `after` hits, and those that only `before` hits. */
  readonly gained: readonly string[];
  readonly lost: readonly string[];
  /** McNemar's exact p of so uneven a division. */
  readonly p: number;
}

interface Named {
  readonly name: string;
  readonly scores: BenchmarkScores;
}

/** Under the reading that both have; null: no row was answered by both. */
export function pairedDifference(before: Named, after: Named): PairedDifference | null {
  const earlier = new Map(before.scores.rows.map((scored) => [scored.row.id, scored]));
  const pairs = after.scores.rows.flatMap((now) => {
    const known = earlier.get(now.row.id);
    return known ? [{ known, now }] : [];
  });
  const strict = pairs.every(({ known, now }) => known.strict && now.strict);
  const values = pairs.flatMap(({ known, now }) => {
    const [a, b] = strict ? [known.strict, now.strict] : [known.published, now.published];
    return a && b ? [{ row: now.row.id, a: Number(isHit(a.value)), b: Number(isHit(b.value)) }] : [];
  });
  if (!values.length) return null;
  const gained = values.filter(({ a, b }) => b > a).map(({ row }) => row);
  const lost = values.filter(({ a, b }) => a > b).map(({ row }) => row);
  return {
    before: before.name,
    after: after.name,
    reading: strict ? 'strict' : 'as published',
    n: values.length,
    difference: (gained.length - lost.length) / values.length,
    interval: pairedBootstrapInterval(
      values.map(({ a }) => a),
      values.map(({ b }) => b),
      { seed: 0 },
    ),
    gained,
    lost,
    p: mcNemarExact(gained.length, lost.length),
  };
}
