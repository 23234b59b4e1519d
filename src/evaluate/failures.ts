/** What went wrong with an answer, as one kind of failure; and kinds by task. Judged as the strict reading judges. */
import { groundedIou } from '../grounding/matching.ts';
import type { ScoredRow } from './benchmark-scores.ts';
import { OUTCOMES, type OutcomeKind } from './outcome-kinds.ts';
import { benchmarkOfRow } from './strict.ts';

const [HIT, NEAR] = [0.5, 0.3];
/** Four numbers: a box was meant. Bounded repetitions: linear in the text. */
const FOUR_NUMBERS = /(?:\d{1,7}(?:\.\d{1,20})?[^\d]{1,12}){3}\d{1,7}/;

/** The kind of an answer; null where it has no strict reading. */
export function outcomeOf({ row, prediction, strict }: ScoredRow): OutcomeKind | null {
  if (!strict) return null;
  const { text, refused } = prediction;
  const boxes = prediction.boxes ?? [];
  if (benchmarkOfRow(row)?.strict === 'choice')
    return strict.value === 1 ? 'right' : strict.parsed ? 'wrong-choice' : 'unreadable';
  const { solution } = row;
  if (solution.length === 0) return boxes.length ? 'hallucinated' : refused ? 'right' : unread(text);
  if (refused) return 'refused';
  if (boxes.length === 0) return unread(text);
  if (strict.value >= HIT) return 'right';
  const overlaps = boxes.map((box) => Math.max(...solution.map((truth) => groundedIou(box, truth))));
  const anywhere = (i: number) =>
    Math.max(...solution.map((truth) => groundedIou({ ...boxes[i]!, image: truth.image }, truth)));
  if (boxes.length > solution.length && Math.max(...overlaps) >= HIT) return 'too-many';
  const pictures = new Set(solution.map(({ image }) => image));
  const guessed = solution.some(({ imageGuessed }) => imageGuessed);
  const elsewhere = boxes[0]!.image === null || !pictures.has(boxes[0]!.image);
  if (!guessed && elsewhere && (row.images.length > 1 || anywhere(0) >= HIT)) return 'wrong-picture';
  return strict.value >= NEAR ? 'loose' : 'missed';
}

const unread = (text: string): OutcomeKind => (FOUR_NUMBERS.test(text) ? 'unreadable' : 'no-box');

export interface FailureTable {
  /** Kinds that occur, in the order of OUTCOMES. */
  readonly kinds: readonly OutcomeKind[];
  readonly tasks: readonly {
    readonly task: string;
    readonly n: number;
    /** Ids of the rows of each kind. */
    readonly rows: Readonly<Partial<Record<OutcomeKind, readonly string[]>>>;
  }[];
}

/** Kinds by task, each cell with its rows. Rows without a strict reading are left out. */
export function failuresByTask(scored: readonly ScoredRow[]): FailureTable {
  const tasks = new Map<string, Partial<Record<OutcomeKind, string[]>>>();
  const seen = new Set<OutcomeKind>();
  for (const each of scored) {
    const kind = outcomeOf(each);
    if (kind === null) continue;
    seen.add(kind);
    let cells = tasks.get(each.row.task);
    if (!cells) tasks.set(each.row.task, (cells = {}));
    (cells[kind] ??= []).push(each.row.id);
  }
  return {
    kinds: (Object.keys(OUTCOMES) as OutcomeKind[]).filter((kind) => seen.has(kind)),
    tasks: [...tasks].map(([task, rows]) => ({
      task,
      n: Object.values(rows).reduce((sum, ids) => sum + ids.length, 0),
      rows,
    })),
  };
}
