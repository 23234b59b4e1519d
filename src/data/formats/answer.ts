/** Answers that are text, a number, one box, several boxes, or JSON such as `{"bbox_2d": […]}`, which is text that names its boxes. */
import * as v from 'valibot';
import { quadSchema, type RawBox } from '../raw-row.ts';

const json = v.record(v.string(), v.unknown());

export const answerSchema = v.union(
  [
    v.string(),
    v.pipe(v.number(), v.transform(String)),
    quadSchema,
    v.pipe(v.array(quadSchema), v.minLength(1)),
    v.pipe(
      v.union([json, v.pipe(v.array(json), v.minLength(1))]),
      v.transform((value) => JSON.stringify(value)),
    ),
  ],
  'it should be text, [x1, y1, x2, y2], or a list of such boxes',
);

/** The text of an answer and the boxes its `<bbox>` marks stand for; null if a box is not four numbers. */
export function readAnswer(answer: v.InferOutput<typeof answerSchema>): { text: string; boxes: RawBox[] } | null {
  if (typeof answer === 'string') return { text: answer, boxes: [] };
  const quads = (Array.isArray(answer[0]) ? answer : [answer]) as number[][];
  if (quads.some((numbers) => numbers.length !== 4)) return null;
  return { text: '<bbox>'.repeat(quads.length), boxes: quads.map((numbers) => ({ numbers, image: null })) };
}
