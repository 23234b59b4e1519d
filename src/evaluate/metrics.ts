/**
 * Grounding accuracy of a set of answers. A row is scored once (`scoreAnswer`), everything else is counting.
 *
 * An answer to a row with one box is its first box, as benchmarks have it; of several wanted boxes, the best matching
 * over max(wanted, given). An answer without a readable box counts as IoU 0 everywhere and is also counted apart:
 * a model that cannot write boxes and one that cannot find objects need different help.
 */
import type { GroundedBox } from '../grounding/box.ts';
import { groundedIou } from '../grounding/matching.ts';
import { meanMatched, type PredictedBox } from '../train/rewards/index.ts';
import type { Interval } from './bootstrap.ts';
import { wilsonInterval } from './interval.ts';

/** One answer and what it should have been. */
export interface Prediction {
  readonly rowId: string;
  readonly task: string;
  /** Pictures the row shows. */
  readonly images: number;
  readonly boxes: readonly PredictedBox[];
  /** A box could be read in the answer. */
  readonly parsed: boolean;
  readonly solution: readonly GroundedBox[];
}

export interface RowScore {
  readonly rowId: string;
  readonly task: string;
  /** 0–1, 0 in the wrong image or unparsed. */
  readonly iou: number;
  /** null where there was no choice of picture, or the dataset does not say the right one. */
  readonly rightImage: boolean | null;
  readonly parsed: boolean;
}

export interface TaskEvaluation {
  readonly n: number;
  readonly accAt30: number;
  readonly accAt50: number;
  readonly accAt70: number;
  readonly meanIoU: number;
  readonly parseFailures: number;
}

export interface Evaluation extends TaskEvaluation {
  /** 95 %, Wilson: one hit of two is no certainty, and none of six is not none. */
  readonly accAt50Interval: Interval;
  /** Of rows with several pictures (of all rows where there are none); a parse failure is wrong. */
  readonly imageAccuracy: number;
  /** Keys in order of first appearance. */
  readonly tasks: Readonly<Record<string, TaskEvaluation>>;
  /** Mean over tasks of their accuracies: what papers average. `accAt50` above weighs rows instead. */
  readonly macro: {
    readonly accAt30: number;
    readonly accAt50: number;
    readonly accAt70: number;
    readonly meanIoU: number;
  };
}

/** Scores one answer; null for rows without a solution, which grounding metrics leave out. */
export function scoreAnswer({ rowId, task, images, boxes, parsed, solution }: Prediction): RowScore | null {
  if (solution.length === 0) return null;
  const given = solution.length === 1 ? boxes.slice(0, 1) : boxes;
  const read = parsed && given.length > 0;
  const choice = images >= 2 && !solution.some((s) => s.imageGuessed);
  const rightImage = choice ? read && sameImages(given, solution) : null;
  const iou = !read ? 0 : solution.length === 1 ? groundedIou(given[0]!, solution[0]!) : meanMatched(given, solution);
  return { rowId, task, iou, rightImage, parsed: read };
}

function sameImages(a: readonly PredictedBox[], b: readonly PredictedBox[]): boolean {
  // Unsaid pictures sort first and equal none of the solution's.
  const images = (boxes: readonly PredictedBox[]) =>
    boxes
      .map((g) => g.image ?? -1)
      .sort((x, y) => x - y)
      .join();
  return images(a) === images(b);
}

/** Everything counted. An empty set has NaN accuracies and n = 0. */
export function summarize(scores: readonly RowScore[]): Evaluation {
  const byTask = new Map<string, RowScore[]>();
  for (const score of scores) {
    const rows = byTask.get(score.task);
    if (rows) rows.push(score);
    else byTask.set(score.task, [score]);
  }
  const tasks = Object.fromEntries([...byTask].map(([task, rows]) => [task, count(rows)]));
  const perTask = Object.values(tasks);
  const chosen = scores.filter((s) => s.rightImage !== null);
  return {
    ...count(scores),
    accAt50Interval: wilsonInterval(hits(scores, 0.5).filter((hit) => hit === 1).length, scores.length),
    imageAccuracy:
      chosen.length > 0 ? mean(chosen.map((s) => Number(s.rightImage))) : mean(scores.map((s) => Number(s.parsed))),
    tasks,
    macro: {
      accAt30: mean(perTask.map((t) => t.accAt30)),
      accAt50: mean(perTask.map((t) => t.accAt50)),
      accAt70: mean(perTask.map((t) => t.accAt70)),
      meanIoU: mean(perTask.map((t) => t.meanIoU)),
    },
  };
}

/** 1 where IoU ≥ `threshold`, else 0, per row. */
export function hits(scores: readonly RowScore[], threshold: number): number[] {
  return scores.map((s) => Number(s.iou >= threshold));
}

function count(scores: readonly RowScore[]): TaskEvaluation {
  return {
    n: scores.length,
    accAt30: mean(hits(scores, 0.3)),
    accAt50: mean(hits(scores, 0.5)),
    accAt70: mean(hits(scores, 0.7)),
    meanIoU: mean(scores.map((s) => s.iou)),
    parseFailures: scores.filter((s) => !s.parsed).length,
  };
}

/** NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
