/**
 * The overlaps of published scripts. They differ from grounding/box.ts where boxes are inverted or empty, and those
 * differences change published figures, so each script's is kept as it is.
 */
import type { Corners } from './benchmark.ts';

const area = ([x1, y1, x2, y2]: Corners): number => (x2 - x1) * (y2 - y1);

/**
 * thunlp/Migician `eval/utils.py` `calculate_iou`: no overlap of extents is 0, and areas are taken with their sign, so
 * that an inverted box can have any quotient. Python divides by zero with an error there; here it is 0.
 */
export function migicianIou(truth: Corners, given: Corners): number {
  const left = Math.max(truth[0], given[0]);
  const top = Math.max(truth[1], given[1]);
  const right = Math.min(truth[2], given[2]);
  const bottom = Math.min(truth[3], given[3]);
  if (right < left || bottom < top) return 0;
  const both = (right - left) * (bottom - top);
  const union = area(truth) + area(given) - both;
  return union === 0 ? 0 : both / union;
}

/** UniVG-R1 `eval/zero_shot` and lmms-eval `refcoco/utils_rec.py`: sides of the overlap from 0; `epsilon` below the line. */
export function sidedIou(truth: Corners, given: Corners, epsilon = 0): number {
  const width = Math.max(0, Math.min(truth[2], given[2]) - Math.max(truth[0], given[0]));
  const height = Math.max(0, Math.min(truth[3], given[3]) - Math.max(truth[1], given[1]));
  const union = area(truth) + area(given) - width * height + epsilon;
  return union === 0 ? 0 : (width * height) / union;
}

/** lmms-eval `odinw13/utils.py`: areas from 0 as well. */
export function guardedIou(a: Corners, b: Corners): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const own = ([x1, y1, x2, y2]: Corners) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  const union = own(a) + own(b) - width * height;
  return union > 0 ? (width * height) / union : 0;
}
