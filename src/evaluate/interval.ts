/**
 * How sure is a share, and is one model better than another? Wilson's score interval (Wilson 1927), McNemar's exact test
 * for the same rows under two models (McNemar 1947; two-sided binomial), and pass@k (Chen et al. 2021).
 */
import type { Interval } from './bootstrap.ts';

/** The normal quantile of 97.5 %. */
const Z95 = 1.959963984540054;

/** 95 % interval of a share, within 0–1; [NaN, NaN] of no rows. 0 of 6 is 0–39 %, not 0.0 to 0.0. */
export function wilsonInterval(hits: number, n: number, z = Z95): Interval {
  if (n === 0) return [NaN, NaN];
  const share = hits / n;
  const scale = 1 + (z * z) / n;
  const centre = (share + (z * z) / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [hits === 0 ? 0 : Math.max(0, centre - half), hits === n ? 1 : Math.min(1, centre + half)];
}

/**
 * Two-sided p that so uneven a division of the rows on which two models differ comes about by chance. `gained`: right
 * only after, `lost`: right only before. 1 where they never differ.
 */
export function mcNemarExact(gained: number, lost: number): number {
  const n = gained + lost;
  if (n === 0) return 1;
  const fewer = Math.min(gained, lost);
  // Binomial(n, ½) up to `fewer`, in logarithms: 2^-n alone underflows beyond a thousand rows.
  let term = -n * Math.LN2;
  let tail = Math.exp(term);
  for (let k = 1; k <= fewer; k++) {
    term += Math.log((n - k + 1) / k);
    tail += Math.exp(term);
  }
  return Math.min(1, 2 * tail);
}

/**
 * Chance that at least one of k samples succeeds, from c successes of n samples: 1 − C(n−c, k)/C(n, k), unbiased
 * (Chen et al. 2021, arXiv 2107.03374). k ≤ n.
 */
export function passAtK(n: number, c: number, k: number): number {
  if (n - c < k) return 1;
  let miss = 1;
  for (let i = n - c + 1; i <= n; i++) miss *= 1 - k / i;
  return 1 - miss;
}
