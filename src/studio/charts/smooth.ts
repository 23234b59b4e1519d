/**
 * Exponential moving average, corrected for its start (as Adam corrects its moments) so that the first points are not
 * pulled to zero. A value that is not a number leaves the average as it was. `weight` 0 is off, towards 1 is smoother.
 */
export function smooth(values: Float64Array, weight: number): Float64Array {
  const result = new Float64Array(values.length);
  let average = 0;
  let seen = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (Number.isFinite(v)) {
      average = weight * average + (1 - weight) * v;
      seen++;
    }
    result[i] = seen > 0 ? average / (1 - weight ** seen) : NaN;
  }
  return result;
}
