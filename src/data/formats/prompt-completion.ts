/**
 * TRL's prompt and completion, each a text or a conversation, with `images` or `image` (TRL docs, “Dataset formats”).
 * Rows for GRPO have no completion: their `solution` or `answer` is what a reward compares with.
 */
import * as v from 'valibot';
import {
  idSchema,
  ownSplit,
  rowIssue,
  schemaIssues,
  splitSchema,
  talkEntries,
  talkOf,
  type RowFormat,
} from '../raw-row.ts';
import { answerSchema, readAnswer } from './answer.ts';
import { turnSchema, turnsOf } from './messages.ts';

const said = v.union([v.string(), v.array(turnSchema)], 'it should be text, or a list of messages');

const schema = v.object({
  id: idSchema,
  task: v.fallback(v.optional(v.string()), undefined),
  ...talkEntries,
  split: splitSchema,
  prompt: said,
  completion: v.optional(said),
  solution: v.optional(answerSchema),
  answer: v.optional(answerSchema),
});

const turns = (value: v.InferOutput<typeof said>, role: string, field: string) =>
  typeof value === 'string' ? [{ role, text: value, field }] : turnsOf(value, field);

export const promptCompletion: RowFormat = {
  matches: (value) =>
    Object.hasOwn(value, 'prompt') && ['completion', 'solution', 'answer'].some((key) => Object.hasOwn(value, key)),
  read: (value, source) => {
    const parsed = v.safeParse(schema, value);
    if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
    const { id, task, split, prompt, completion, solution, answer } = parsed.output;
    const field = solution === undefined ? 'answer' : 'solution';
    const read = completion === undefined ? readAnswer(solution ?? answer ?? '') : { text: '', boxes: [] };
    if (!read)
      return {
        ok: false,
        issues: [rowIssue(source, field, 'an answer is not four numbers', 'Give [x1, y1, x2, y2].')],
      };
    return {
      ok: true,
      row: {
        id,
        task: task ?? '',
        ...talkOf(parsed.output, [
          ...turns(prompt, 'user', 'prompt'),
          ...(completion === undefined
            ? [{ role: 'assistant', text: read.text, field }]
            : turns(completion, 'assistant', 'completion')),
        ]),
        boxes: read.boxes,
        refs: [],
        said: null,
        ...ownSplit(split),
        source,
      },
    };
  },
};
