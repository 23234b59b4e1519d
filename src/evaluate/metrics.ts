/**
 * Grounding accuracy of a set of answers. A row is scored once (`scoreAnswer`), everything else is counting.
 *
 * An answer to a row with one box is its first box, as benchmarks have it; of several wanted boxes, the best matching
 * over max(wanted, given). Where nothing is there, saying so counts as IoU 1; of options, the right letter. An answer
 * that cannot be read counts as 0 everywhere and is also counted apart: a model that cannot write boxes and one that
 * cannot find objects need different help.
 */
import type { Row } from '../data/row.ts';
import { wantedOf, type Wanted } from '../data/wanted.ts';
import type { GroundedBox } from '../grounding/box.ts';
import { readChoice } from '../grounding/choice.ts';
import { groundedIou } from '../grounding/matching.ts';
import { choiceScore, meanMatched, saysNothing, type PredictedBox } from '../train/rewards/index.ts';
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
  /** What a right answer is, where it is no box; absent: boxes. */
  readonly wanted?: Wanted | null;
  /** The words of the part that answers; needed where the right answer is no box. */
  readonly answer?: string;
  /** The file that the row is of. */
  readonly file?: string;
}

/** An answer to a row, as it is read. */
export const predictionOf = (
  row: Row,
  read: { readonly boxes: readonly PredictedBox[]; readonly parsed: boolean; readonly answer: string },
): Prediction => ({
  rowId: row.id,
  task: row.task,
  images: row.images.length,
  solution: row.solution,
  wanted: wantedOf(row),
  file: row.source.file,
  boxes: read.boxes,
  parsed: read.parsed,
  answer: read.answer,
});

/** Rows that are counted apart, too: of several boxes, of none, of a letter. */
export type RowKind = 'several' | 'nothing' | 'choice';

export interface RowScore {
  readonly rowId: string;
  readonly task: string;
  /** 0–1, 0 in the wrong image or unparsed. */
  readonly iou: number;
  /** null where there was no choice of picture, or the dataset does not say the right one. */
  readonly rightImage: boolean | null;
  readonly parsed: boolean;
  /** Absent: one box is wanted. */
  readonly kind?: RowKind;
  /** It says that nothing is there. */
  readonly refused?: true;
  readonly file?: string;
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
  /** By the file that rows are of; absent where all are of one. */
  readonly files?: Readonly<Record<string, TaskEvaluation>>;
  /** Rows whose right answer is not one box, by kind, as far as there are any. */
  readonly kinds?: { readonly [K in RowKind]?: TaskEvaluation };
  /** Answers that say that nothing is there, of rows where something is. */
  readonly overRefused?: number;
  /** Mean over tasks of their accuracies: what papers average. `accAt50` above weighs rows instead. */
  readonly macro: {
    readonly accAt30: number;
    readonly accAt50: number;
    readonly accAt70: number;
    readonly meanIoU: number;
  };
}

/** Scores one answer; null for rows whose right answer is not known, which are left out. */
export function scoreAnswer(prediction: Prediction): RowScore | null {
  const { rowId, task, images, boxes, parsed, solution, answer = '', file } = prediction;
  const { wanted = solution.length > 0 ? { kind: 'boxes' } : null } = prediction;
  if (wanted === null) return null;
  const refused = saysNothing({ boxes, answer });
  const row = { rowId, task, ...(file !== undefined && { file }), ...(refused && { refused }) };
  if (wanted.kind === 'nothing')
    return { ...row, iou: Number(refused), rightImage: null, parsed: refused || boxes.length > 0, kind: 'nothing' };
  if (wanted.kind === 'choice') {
    const read = readChoice(answer, wanted.choices) !== null;
    return { ...row, iou: choiceScore({ answer }, wanted)!, rightImage: null, parsed: read, kind: 'choice' };
  }
  const given = solution.length === 1 ? boxes.slice(0, 1) : boxes;
  const read = parsed && given.length > 0;
  const choice = images >= 2 && !solution.some((s) => s.imageGuessed);
  const rightImage = choice ? read && sameImages(given, solution) : null;
  const iou = !read ? 0 : solution.length === 1 ? groundedIou(given[0]!, solution[0]!) : meanMatched(given, solution);
  return { ...row, iou, rightImage, parsed: read, ...(solution.length > 1 && { kind: 'several' }) };
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

/** Of more files, none is counted apart: they are shards. */
const MOST_FILES = 12;

/** Everything counted. An empty set has NaN accuracies and n = 0. */
export function summarize(scores: readonly RowScore[]): Evaluation {
  const tasks = countBy(scores, ({ task }) => task);
  const files = countBy(scores, ({ file }) => file ?? '');
  const kinds = countBy(
    scores.filter(({ kind }) => kind !== undefined),
    ({ kind }) => kind!,
  );
  const perTask = Object.values(tasks);
  const chosen = scores.filter((s) => s.rightImage !== null);
  return {
    ...count(scores),
    accAt50Interval: wilsonInterval(hits(scores, 0.5).filter((hit) => hit === 1).length, scores.length),
    imageAccuracy:
      chosen.length > 0 ? mean(chosen.map((s) => Number(s.rightImage))) : mean(scores.map((s) => Number(s.parsed))),
    tasks,
    ...(Object.keys(files).length > 1 && Object.keys(files).length <= MOST_FILES && { files }),
    ...(Object.keys(kinds).length > 0 && { kinds }),
    overRefused: scores.filter(({ kind, refused }) => refused && kind !== 'nothing').length,
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

/** In order of first appearance. */
function countBy(scores: readonly RowScore[], of: (score: RowScore) => string): Record<string, TaskEvaluation> {
  const groups = new Map<string, RowScore[]>();
  for (const score of scores) {
    const rows = groups.get(of(score));
    if (rows) rows.push(score);
    else groups.set(of(score), [score]);
  }
  return Object.fromEntries([...groups].map(([name, rows]) => [name, count(rows)]));
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
