/** How sure is a share? Wilson's score interval (Wilson 1927). */

/** The normal quantile of 97.5 %. */
const Z95 = 1.959963984540054;

/** 95 % interval of a share, within 0–1; [NaN, NaN] of no rows. 0 of 6 is 0–39 %, not 0.0 to 0.0. */
export function wilsonInterval(hits: number, n: number, z = Z95): readonly [low: number, high: number] {
  if (n === 0) return [NaN, NaN];
  const share = hits / n;
  const scale = 1 + (z * z) / n;
  const centre = (share + (z * z) / (2 * n)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [hits === 0 ? 0 : Math.max(0, centre - half), hits === n ? 1 : Math.min(1, centre + half)];
}
