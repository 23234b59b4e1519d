/**
 * A question about pictures and one box: MIG-Bench (`task`, answer in fractions, pictures before the question) and
 * UniVG-R1's training rows (answer in thousandths, `<image>` in the question).
 */
import * as v from 'valibot';
import { idSchema, imagesSchema, quadSchema, rowIssue, schemaIssues, type RowFormat } from '../raw-row.ts';

const schema = v.object({
  id: idSchema,
  task: v.fallback(v.optional(v.string()), undefined),
  images: imagesSchema,
  question: v.string(),
  answer: v.union([quadSchema, v.pipe(v.array(quadSchema), v.minLength(1))], 'expected [x1, y1, x2, y2]'),
});

function format(name: 'MIG-Bench' | 'question and answer', matches: RowFormat['matches']): RowFormat {
  return {
    name,
    matches,
    read: (value, source) => {
      const parsed = v.safeParse(schema, value);
      if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
      const { id, task, images, question, answer } = parsed.output;
      const quads = (Array.isArray(answer[0]) ? answer : [answer]) as number[][];
      if (quads.some((numbers) => numbers.length !== 4))
        return {
          ok: false,
          issues: [rowIssue(source, 'answer', 'an answer is not four numbers', 'Give [x1, y1, x2, y2].')],
        };
      const marked = question.includes('<image>') ? question : `${'<image>\n'.repeat(images.length)}${question}`;
      return {
        ok: true,
        row: {
          format: name,
          id,
          task: task ?? '',
          images,
          turns: [
            { role: 'user', text: marked, field: 'question' },
            { role: 'assistant', text: '<bbox>'.repeat(quads.length), field: 'answer' },
          ],
          boxes: quads.map((numbers) => ({ numbers, image: null })),
          refs: [],
          space: name === 'MIG-Bench' ? 'fraction' : null,
          source,
        },
      };
    },
  };
}

const isQuestion = (value: Readonly<Record<string, unknown>>): boolean =>
  Object.hasOwn(value, 'question') && Object.hasOwn(value, 'answer') && Object.hasOwn(value, 'images');

/** UniVG's revised MIG-Bench keeps the keys but has thousandths: above 1 it is not MIG-Bench's own space. */
const inFractions = (answer: unknown): boolean =>
  !Array.isArray(answer) || answer.every((n) => typeof n !== 'number' || n <= 1);

export const migBench = format(
  'MIG-Bench',
  (value) => isQuestion(value) && typeof value.task === 'string' && inFractions(value.answer),
);
export const questionAnswer = format('question and answer', isQuestion);
