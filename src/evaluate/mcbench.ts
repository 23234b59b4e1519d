/**
 * MC-Bench (XuYunqiu/MC-Bench): pairs of images, any number of boxes in either, in one or more groups (categories).
 * Instance metric: COCO's AP at IoU 0.5 per group, weighted by the group's share of boxes. Image metric: a pair is
 * right when in both images "is there a box" is answered right.
 *
 * Before AP, the groups a model predicts are renamed to fit the solution's best, since "group 1" and "group 2" mean
 * nothing. The official script (eval_mc_bench.py) means to do this for every pair of several groups, but re-reads the
 * predictions for each pair and so keeps only the last pair's renaming, and renames one group after the other, which
 * can merge two. We do what it means.
 *
 * Source: that script; AP as pycocotools `cocoeval.py` with area "all", 100 detections an image, no crowds.
 */
import { type Box01, iou } from '../grounding/box.ts';
import { matchBoxes } from '../train/rewards/index.ts';
import { mean } from './metrics.ts';

/** A box of a pair: `image` is 0 or 1, `group` the category (1, 2, …). */
export interface PairBox {
  readonly image: number;
  readonly group: number;
  readonly box: Box01;
}
export interface ScoredPairBox extends PairBox {
  /** Confidence; 1 where the model gives none. */
  readonly score: number;
}
export interface PairAnswer {
  readonly solution: readonly PairBox[];
  readonly predicted: readonly ScoredPairBox[];
}

export interface McBenchScores {
  readonly ap50: number;
  readonly imageAccuracy: number;
}

export function scoreMcBench(pairs: readonly PairAnswer[]): McBenchScores {
  const renamed = pairs.map((pair) => ({ ...pair, predicted: renameGroups(pair) }));
  const groups = [...new Set(pairs.flatMap((p) => p.solution.map((s) => s.group)))];
  const total = pairs.reduce((sum, p) => sum + p.solution.length, 0);
  const ap50 = groups.reduce((sum, g) => {
    const { ap, count } = averagePrecision(renamed, g);
    return sum + (ap * count) / total;
  }, 0);
  const any = (boxes: readonly PairBox[], image: number) => boxes.some((b) => b.image === image);
  return {
    ap50,
    imageAccuracy: mean(
      pairs.map(({ solution, predicted }) => Number([0, 1].every((i) => any(solution, i) === any(predicted, i)))),
    ),
  };
}

/** Predicted groups renamed by the injection into the solution's groups with the best mean matched IoU over both images. */
function renameGroups({ solution, predicted }: PairAnswer): readonly ScoredPairBox[] {
  const wanted = [...new Set(solution.map((s) => s.group))].sort((a, b) => a - b);
  const given = [...new Set(predicted.map((p) => p.group))].sort((a, b) => a - b);
  // The official script finds no permutation either when more groups are predicted than exist.
  if (wanted.length < 2 || given.length === 0 || given.length > wanted.length) return predicted;
  let best = { value: -1, names: wanted };
  for (const names of injections(wanted, given.length)) {
    const ious = given.flatMap((from, i) =>
      matchedIous(
        predicted.filter((p) => p.group === from),
        solution.filter((s) => s.group === names[i]),
      ),
    );
    const value = ious.length ? mean(ious) : 0;
    if (value > best.value) best = { value, names };
  }
  return predicted.map((p) => ({ ...p, group: best.names[given.indexOf(p.group)]! }));
}

/** IoUs of the Hungarian matching in each image; pairs forced together count with their 0. */
function matchedIous(predicted: readonly PairBox[], solution: readonly PairBox[]): number[] {
  return [0, 1].flatMap((image) => {
    const [p, s] = [predicted.filter((b) => b.image === image), solution.filter((b) => b.image === image)];
    const found = matchBoxes(p, s).map((pair) => pair.score);
    return [...found, ...new Array<number>(Math.min(p.length, s.length) - found.length).fill(0)];
  });
}

function* injections(of: readonly number[], length: number): Generator<number[]> {
  if (length === 0) yield [];
  else
    for (const first of of)
      for (const rest of injections(
        of.filter((g) => g !== first),
        length - 1,
      ))
        yield [first, ...rest];
}

/** COCO AP of one group at IoU 0.5; `count`: its solution boxes. */
function averagePrecision(pairs: readonly PairAnswer[], group: number): { ap: number; count: number } {
  const detections: { score: number; hit: boolean }[] = [];
  let count = 0;
  for (const { solution, predicted } of pairs)
    for (const image of [0, 1]) {
      const truth = solution.filter((s) => s.group === group && s.image === image);
      const taken = truth.map(() => false);
      count += truth.length;
      const ranked = predicted.filter((p) => p.group === group && p.image === image).sort((a, b) => b.score - a.score);
      for (const { box, score } of ranked.slice(0, 100)) {
        let [best, at] = [0.5, -1];
        truth.forEach((t, i) => {
          const overlap = taken[i] ? -1 : iou(t.box, box);
          if (overlap >= best) [best, at] = [overlap, i]; // COCO: of equals, the later
        });
        if (at >= 0) taken[at] = true;
        detections.push({ score, hit: at >= 0 });
      }
    }
  detections.sort((a, b) => b.score - a.score); // stable, as COCO's mergesort
  if (count === 0) return { ap: 0, count };

  const recall: number[] = [];
  const precision: number[] = [];
  let hits = 0;
  detections.forEach(({ hit }, i) => {
    if (hit) hits++;
    recall.push(hits / count);
    precision.push(hits / (i + 1));
  });
  for (let i = precision.length - 1; i > 0; i--) precision[i - 1] = Math.max(precision[i - 1]!, precision[i]!);
  let sum = 0;
  let i = 0;
  for (let point = 0; point <= 100; point++) {
    while (i < recall.length && recall[i]! < point / 100) i++;
    sum += precision[i] ?? 0;
  }
  return { ap: sum / 101, count };
}
