/** Which rows the gallery shows, in which order. */
import type { Row } from '../../../engine/protocol.ts';
import type { AnswerPair } from '../../state/answers.ts';

export type Order = 'dataset' | 'worst' | 'best' | 'gain';

export interface GalleryFilter {
  readonly task: string | null;
  readonly order: Order;
  /** Only rows whose tuned (else base) IoU is at most this; rows without an answer stay. */
  readonly iouAtMost: number;
}

export const iouOf = (pair: AnswerPair | undefined): number | null => pair?.tuned?.iou ?? pair?.base?.iou ?? null;

export const gainOf = (pair: AnswerPair | undefined): number | null => {
  const [base, tuned] = [pair?.base?.iou, pair?.tuned?.iou];
  return typeof base === 'number' && typeof tuned === 'number' ? tuned - base : null;
};

export function arrange(rows: readonly Row[], answers: ReadonlyMap<string, AnswerPair>, filter: GalleryFilter): Row[] {
  const kept = rows.filter((row) => {
    if (filter.task !== null && row.task !== filter.task) return false;
    const iou = iouOf(answers.get(row.id));
    return iou === null || iou <= filter.iouAtMost;
  });
  if (filter.order === 'dataset') return kept;
  const key = (row: Row) => (filter.order === 'gain' ? gainOf(answers.get(row.id)) : iouOf(answers.get(row.id)));
  const down = filter.order === 'worst' ? 1 : -1;
  // Rows without an answer go last, in the dataset's order: sort is stable.
  return kept.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    return (x - y) * down;
  });
}
