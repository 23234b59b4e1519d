/** Answers that are text, one box, or several boxes. */
import * as v from 'valibot';
import { quadSchema, type RawBox } from '../raw-row.ts';

export const answerSchema = v.union(
  [v.string(), quadSchema, v.pipe(v.array(quadSchema), v.minLength(1))],
  'expected text, [x1, y1, x2, y2], or a list of such boxes',
);

/** The text of an answer and the boxes its `<bbox>` marks stand for; null if a box is not four numbers. */
export function readAnswer(answer: v.InferOutput<typeof answerSchema>): { text: string; boxes: RawBox[] } | null {
  if (typeof answer === 'string') return { text: answer, boxes: [] };
  const quads = (Array.isArray(answer[0]) ? answer : [answer]) as number[][];
  if (quads.some((numbers) => numbers.length !== 4)) return null;
  return { text: '<bbox>'.repeat(quads.length), boxes: quads.map((numbers) => ({ numbers, image: null })) };
}
