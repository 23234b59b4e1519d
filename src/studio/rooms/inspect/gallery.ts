/** Which rows the gallery shows, in which order, and what counts as a hit. */
import type { Answer, Row } from '../../../engine/protocol/index.ts';
import type { AnswerPair } from '../../state/answers.ts';
import { promptLine } from '../../ui/segments.tsx';

export type Order = 'dataset' | 'worst' | 'best' | 'gain' | 'loss' | 'task';

/** What became of a row from the base to the tuned policy, at an IoU from which an answer is a hit. */
export type Outcome = 'fixed' | 'broken' | 'both' | 'neither' | 'unanswered';

export const OUTCOMES: readonly { key: Outcome; title: string }[] = [
  { key: 'fixed', title: 'Fixed: base missed, tuned hits' },
  { key: 'broken', title: 'Broken: base hit, tuned misses' },
  { key: 'both', title: 'Both hit' },
  { key: 'neither', title: 'Both miss' },
  { key: 'unanswered', title: 'Not answered yet' },
];

export interface GalleryFilter {
  readonly task: string | null;
  readonly order: Order;
  readonly outcome: Outcome | null;
  /** Words of the prompt or of an answer, or a row's id; upper and lower case alike. */
  readonly text: string;
  /** An answer hits from this IoU on, in the right image. */
  readonly hitAt: number;
}

/** null: no answer, or nothing to compare it with. */
export const hits = (answer: Answer | undefined, hitAt: number): boolean | null =>
  answer?.iou === undefined || answer.iou === null ? null : answer.iou >= hitAt;

export function outcomeOf(pair: AnswerPair | undefined, hitAt: number): Outcome {
  const [base, tuned] = [hits(pair?.base, hitAt), hits(pair?.tuned, hitAt)];
  if (base === null || tuned === null) return 'unanswered';
  if (tuned) return base ? 'both' : 'fixed';
  return base ? 'broken' : 'neither';
}

export const iouOf = (pair: AnswerPair | undefined): number | null => pair?.tuned?.iou ?? pair?.base?.iou ?? null;

export const gainOf = (pair: AnswerPair | undefined): number | null => {
  const [base, tuned] = [pair?.base?.iou, pair?.tuned?.iou];
  return typeof base === 'number' && typeof tuned === 'number' ? tuned - base : null;
};

function mentions(row: Row, pair: AnswerPair | undefined, text: string): boolean {
  const words = [row.id, promptLine(row.prompt), pair?.base?.text, pair?.tuned?.text];
  return words.some((each) => each?.toLowerCase().includes(text));
}

export function arrange(rows: readonly Row[], answers: ReadonlyMap<string, AnswerPair>, filter: GalleryFilter): Row[] {
  const { task, outcome, hitAt, order } = filter;
  const text = filter.text.trim().toLowerCase();
  const kept = rows.filter((row) => {
    const pair = answers.get(row.id);
    if (task !== null && row.task !== task) return false;
    if (outcome !== null && outcomeOf(pair, hitAt) !== outcome) return false;
    return text === '' || mentions(row, pair, text);
  });
  if (order === 'dataset') return kept;
  if (order === 'task') return kept.sort((a, b) => (a.task < b.task ? -1 : Number(a.task > b.task)));
  const byGain = order === 'gain' || order === 'loss';
  const key = (row: Row) => (byGain ? gainOf(answers.get(row.id)) : iouOf(answers.get(row.id)));
  const down = order === 'worst' || order === 'loss' ? 1 : -1;
  // Rows without an answer go last, in the dataset's order: sort is stable.
  return kept.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    return (x - y) * down;
  });
}

export interface Score {
  readonly answered: number;
  readonly hits: number;
}

/** How many of the rows each policy hits. */
export function tally(
  rows: readonly Row[],
  answers: ReadonlyMap<string, AnswerPair>,
  hitAt: number,
): Readonly<Record<'base' | 'tuned', Score>> {
  const count = (policy: 'base' | 'tuned'): Score => {
    const found = rows.map((row) => hits(answers.get(row.id)?.[policy], hitAt)).filter((hit) => hit !== null);
    return { answered: found.length, hits: found.filter(Boolean).length };
  };
  return { base: count('base'), tuned: count('tuned') };
}
