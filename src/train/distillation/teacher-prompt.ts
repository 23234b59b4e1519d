/** What a teacher is told that its student is not: the row's right answer, or another answer that was right. */
import type { Row, Segment } from '../../data/row.ts';

/** A row's true boxes as they are told in a prompt: each after its picture's name, where there are several. */
export const toldBoxes = ({ images, solution }: Pick<Row, 'images' | 'solution'>): Segment[] =>
  solution.flatMap((box): Segment[] => [
    { type: 'text', text: images.length > 1 ? ` Image-${box.image + 1}: ` : ' ' },
    { type: 'box', box },
  ]);

/** The row with more at the end of its last question. */
export function askedMore(row: Row, more: readonly Segment[]): Row {
  const last = row.prompt.findLastIndex(({ role }) => role === 'user');
  return {
    ...row,
    prompt: row.prompt.map((message, i) =>
      i === last ? { ...message, content: [...message.content, ...more] } : message,
    ),
  };
}

/** The row with its right answer told (SDFT's privileged context). Only ever scored, never learned. */
export function withTruth(row: Row): Row {
  const told: readonly Segment[] =
    row.solution.length > 0
      ? toldBoxes(row)
      : row.answer.length > 0
        ? [{ type: 'text', text: ' ' }, ...row.answer]
        : [{ type: 'text', text: ' nothing' }];
  return askedMore(row, [{ type: 'text', text: '\n\nThe right answer is' }, ...told, { type: 'text', text: '.' }]);
}

/** The row with an answer told that was right (SDPO). Only ever scored, never learned. */
export const withSuccess = (row: Row, answer: string): Row =>
  askedMore(row, [{ type: 'text', text: `\n\nA right solution is:\n\n${answer.trim()}\n\nAnswer the question.` }]);

/** Of each answer of a group the first right one that is another; null: there is none, and it is not learned from. */
export const successFor = (right: readonly boolean[]): (number | null)[] =>
  right.map((_, i) => {
    const other = right.findIndex((ok, j) => ok && j !== i);
    return other < 0 ? null : other;
  });
