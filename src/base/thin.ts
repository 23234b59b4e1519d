/**
 * Which points of a long curve to draw: of every bucket the first, the lowest, the highest and the last, and every
 * point that is not a number. A spike of a single step therefore survives any zoom; thinning by stride would lose it.
 * @param floor values at or below it cannot be drawn: the lowest is sought above it, and one of them leaves a gap
 */
export function thin(values: Float64Array, from: number, to: number, buckets: number, floor = -Infinity): Uint32Array {
  const count = to - from;
  if (count <= buckets * 4) {
    const all = new Uint32Array(Math.max(0, count));
    for (let i = 0; i < count; i++) all[i] = from + i;
    return all;
  }
  const kept: number[] = [];
  for (let b = 0; b < buckets; b++) {
    const start = from + Math.floor((b * count) / buckets);
    const end = from + Math.floor(((b + 1) * count) / buckets);
    keepBucket(values, start, end, floor, kept);
  }
  return Uint32Array.from(kept);
}

function keepBucket(values: Float64Array, start: number, end: number, floor: number, kept: number[]): void {
  let hidden = -1;
  let low = -1;
  let high = -1;
  const strange: number[] = [];
  for (let i = start; i < end; i++) {
    const v = values[i]!;
    if (!Number.isFinite(v)) {
      strange.push(i);
      continue;
    }
    if (v <= floor) {
      hidden = i;
      continue;
    }
    if (low < 0 || v < values[low]!) low = i;
    if (high < 0 || v > values[high]!) high = i;
  }
  const picked = new Set([start, end - 1, ...strange]);
  if (low >= 0) picked.add(low).add(high);
  if (hidden >= 0) picked.add(hidden);
  kept.push(...[...picked].sort((a, b) => a - b));
}

/** First index whose step is at least `step`; steps ascend. */
export function lowerBound(steps: Float64Array, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! < step) low = middle + 1;
    else high = middle;
  }
  return low;
}
