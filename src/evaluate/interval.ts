/**
 * How sure is a share, and is one model better than another? Wilson's score interval (Wilson 1927), McNemar's exact test
 * for the same rows under two models (McNemar 1947; two-sided binomial), and pass@k (Chen et al. 2021).
 */
export { wilsonInterval } from '../base/wilson.ts';

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
