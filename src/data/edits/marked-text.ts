/**
 * A row's segments as one text that a person can edit: `<image>` and `<bbox>` stand for its pictures and boxes, as in
 * ms-swift's rows. The marks keep their number and order; the words around them are free.
 */
import type { Segment } from '../row.ts';

const MARK = /(<image>|<bbox>)/;

export const markedText = (segments: readonly Segment[]): string =>
  segments
    .map((segment) => (segment.type === 'text' ? segment.text : segment.type === 'image' ? '<image>' : '<bbox>'))
    .join('');

/** The segments that an edited text stands for; null if its marks are not those of `before`, in their order. */
export function segmentsOf(text: string, before: readonly Segment[]): Segment[] | null {
  const kept = before.filter(({ type }) => type !== 'text');
  const segments: Segment[] = [];
  for (const piece of text.split(MARK)) {
    if (!MARK.test(piece)) {
      if (piece !== '') segments.push({ type: 'text', text: piece });
      continue;
    }
    const next = kept.shift();
    if (next?.type !== (piece === '<image>' ? 'image' : 'box')) return null;
    segments.push(next);
  }
  return kept.length === 0 ? segments : null;
}
