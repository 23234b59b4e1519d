/** Of the values' size; a curve that varies by less is level, and what it seems to vary by is rounding. */
const LEVEL = 1e-9;
/** No curve means anything by less. */
const LEAST = 1e-100;

/** The range of a linear scale that shows values from `low` to `high`; null: there are none. */
export function roomy(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  const pad = high - low > Math.max(LEVEL * size, LEAST) ? (high - low) * 0.08 : Math.max(size * 0.1, 1e-6);
  // A curve of shares or lengths that never goes below 0 should not seem to.
  return [low >= 0 && low - pad < 0 ? 0 : low - pad, high + pad];
}
