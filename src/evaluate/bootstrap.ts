/**
 * How sure is a number? Seeded percentile bootstrap over rows (Efron & Tibshirani 1993, ch. 13). Comparing two stages
 * on the same rows, use the paired interval: rows hard for one are hard for the other, and the two single intervals
 * overlap long after the difference is real.
 */
import { invariant } from '../base/error.ts';
import { Random } from '../base/random.ts';

export type Interval = readonly [low: number, high: number];

export interface BootstrapSettings {
  readonly seed: number;
  /** Default 2000. */
  readonly resamples?: number;
  /** Default 0.95. */
  readonly confidence?: number;
}

/** Interval of the mean of `values`; [NaN, NaN] of none, [x, x] of one. */
export function bootstrapInterval(
  values: readonly number[],
  { seed, resamples = 2000, confidence = 0.95 }: BootstrapSettings,
): Interval {
  const n = values.length;
  if (n === 0) return [NaN, NaN];
  const random = new Random(seed);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[random.below(n)]!;
    means[r] = sum / n;
  }
  means.sort();
  const tail = (1 - confidence) / 2;
  return [quantile(means, tail), quantile(means, 1 - tail)];
}

/** Interval of mean(after) − mean(before) over the same rows in the same order, resampled together. */
export function pairedBootstrapInterval(
  before: readonly number[],
  after: readonly number[],
  settings: BootstrapSettings,
): Interval {
  invariant(before.length === after.length, `paired bootstrap of ${before.length} and ${after.length} rows`);
  return bootstrapInterval(
    after.map((v, i) => v - before[i]!),
    settings,
  );
}

/** Quantile of sorted values, interpolated linearly (NumPy's default). */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}
