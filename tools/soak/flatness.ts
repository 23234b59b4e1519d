/** Whether measurements stay where they are: a straight line through them (least squares), and how far they lie from it. */
export interface Flatness {
  readonly mean: number;
  /** What the line gains from the first to the last. */
  readonly gain: number;
  /** Standard deviation around the line. */
  readonly noise: number;
  readonly flat: boolean;
}

/** A gain of so little is none, whatever the noise. */
const SLIGHT = 0.01;

export function flatness(values: readonly number[]): Flatness {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, n);
  const middle = (n - 1) / 2;
  const spread = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  const slope = spread === 0 ? 0 : values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / spread;
  const residual = values.reduce((sum, value, i) => sum + (value - mean - slope * (i - middle)) ** 2, 0);
  const noise = Math.sqrt(residual / Math.max(1, n - 2));
  const gain = slope * Math.max(0, n - 1);
  return { mean, gain, noise, flat: gain <= Math.max(SLIGHT * Math.abs(mean), 3 * noise) };
}
