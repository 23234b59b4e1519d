/** Where the coordinates of boxes stand in an answer, digit by digit. */
import type { Numbers } from './convention.ts';

/** A number in a text: characters `start` to `end`. */
export interface NumberSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * The four numbers of each box, in the order they are written; null for a box that is not there. Boxes are looked for
 * from `from` on, each after the one before it, as `BoxConvention.formatAnswer` writes them.
 */
export function coordinateSpans(text: string, boxes: readonly Numbers[], from = 0): (readonly NumberSpan[] | null)[] {
  let cursor = from;
  return boxes.map((numbers) => {
    // Between two numbers of a box there are only brackets, commas and spaces.
    const pattern = new RegExp(numbers.map((n) => `(?<![\\d.])(${n})(?![\\d.])`).join('[^\\d\\w]{1,6}'), 'dg');
    pattern.lastIndex = cursor;
    const match = pattern.exec(text);
    if (!match) return null;
    cursor = pattern.lastIndex;
    return match.indices!.slice(1, 5).map((span) => ({ start: span![0], end: span![1] }));
  });
}
