/**
 * Average precision as pycocotools computes it (`cocoeval.py`, area "all", 100 detections an image, no crowds), down
 * to its rounding: 101 recall points and IoU thresholds as NumPy's linspace gives them, stable sorts by falling score,
 * of equal overlaps the later box, precision with the least double below the line.
 */
import type { Corners } from './benchmark.ts';

export interface CocoBox {
  readonly image: number;
  readonly category: number;
  /** x, y, width, height, as results files have them. */
  readonly sides: Corners;
}
export interface CocoDetection extends CocoBox {
  readonly score: number;
}

const MOST_DETECTIONS = 100;
const RECALLS = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));
/** np.linspace(0.5, 0.95, 10) */
export const COCO_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : i * ((0.95 - 0.5) / 9) + 0.5,
);
/** np.spacing(1) */
const LEAST = 2 ** -52;

/** maskApi.c `bbIou`. */
export function sidesIou(a: Corners, b: Corners): number {
  const width = Math.min(a[2] + a[0], b[2] + b[0]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3] + a[1], b[3] + b[1]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (a[2] * a[3] + b[2] * b[3] - both);
}

export const sidesOf = ([x1, y1, x2, y2]: Corners): Corners => [x1, y1, Math.max(0, x2 - x1), Math.max(0, y2 - y1)];

const byFallingScore = <T extends { readonly score: number }>(items: readonly T[]): T[] =>
  [...items].sort((a, b) => b.score - a.score);

/** Detections of one image and category matched to its truth: hits in falling order of score. */
function matched(truth: readonly CocoBox[], ranked: readonly CocoDetection[], threshold: number): boolean[] {
  const taken = truth.map(() => false);
  return ranked.map(({ sides }) => {
    let [best, at] = [Math.min(threshold, 1 - 1e-10), -1];
    truth.forEach((box, i) => {
      if (taken[i]) return;
      const overlap = sidesIou(sides, box.sides);
      if (overlap >= best) [best, at] = [overlap, i];
    });
    if (at >= 0) taken[at] = true;
    return at >= 0;
  });
}

/** Mean precision over the recall points for one category at one threshold; null without truth. */
export function averagePrecision(
  truth: readonly CocoBox[],
  detections: readonly CocoDetection[],
  category: number,
  threshold: number,
): number | null {
  const mine = truth.filter((box) => box.category === category);
  if (mine.length === 0) return null;
  const given = detections.filter((box) => box.category === category);
  const images = [...new Set([...mine, ...given].map(({ image }) => image))].sort((a, b) => a - b);
  const all: { score: number; hit: boolean }[] = [];
  for (const image of images) {
    const ranked = byFallingScore(given.filter((box) => box.image === image)).slice(0, MOST_DETECTIONS);
    const hits = matched(
      mine.filter((box) => box.image === image),
      ranked,
      threshold,
    );
    ranked.forEach(({ score }, i) => all.push({ score, hit: hits[i]! }));
  }
  const [recall, precision]: [number[], number[]] = [[], []];
  let hits = 0;
  byFallingScore(all).forEach(({ hit }, i) => {
    if (hit) hits++;
    recall.push(hits / mine.length);
    precision.push(hits / (i + 1 + LEAST));
  });
  for (let i = precision.length - 1; i > 0; i--) precision[i - 1] = Math.max(precision[i - 1]!, precision[i]!);
  let [sum, at] = [0, 0];
  for (const point of RECALLS) {
    while (at < recall.length && recall[at]! < point) at++;
    sum += precision[at] ?? 0;
  }
  return sum / RECALLS.length;
}

/** Mean over categories with truth and over thresholds; NaN without any truth. */
export function meanAveragePrecision(
  truth: readonly CocoBox[],
  detections: readonly CocoDetection[],
  thresholds: readonly number[] = COCO_THRESHOLDS,
): number {
  const categories = [...new Set(truth.map(({ category }) => category))];
  const each = categories.flatMap((category) =>
    thresholds.map((threshold) => averagePrecision(truth, detections, category, threshold)!),
  );
  return each.reduce((a, b) => a + b, 0) / each.length;
}
