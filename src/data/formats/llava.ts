/**
 * LLaVA, VLM-R1, Qwen's fine-tuning data and MGrounding-630k: `conversations` of `from`/`value`, `images` or `image`.
 * ShareGPT's with the keys of OpenAI, `role`/`content`, are read as well.
 */
import * as v from 'valibot';
import { idSchema, ownSplit, schemaIssues, splitSchema, talkEntries, talkOf, type RowFormat } from '../raw-row.ts';
import { turnSchema } from './messages.ts';

const turn = v.lazy((value) =>
  typeof value === 'object' && value !== null && 'role' in value
    ? v.pipe(
        turnSchema,
        v.transform(({ role, content }) => ({ role, ...content, key: 'content' })),
      )
    : v.pipe(
        v.object({ from: v.string(), value: v.string() }),
        v.transform(({ from, value: text }) => ({ role: from, text, pictures: [], key: 'value' })),
      ),
);

const schema = v.object({
  id: idSchema,
  ...talkEntries,
  task: v.fallback(v.optional(v.string()), undefined),
  type: v.fallback(v.optional(v.string()), undefined),
  split: splitSchema,
  conversations: v.array(turn),
});

export const llava: RowFormat = {
  name: 'MGrounding / LLaVA',
  matches: (value) => Object.hasOwn(value, 'conversations'),
  read: (value, source) => {
    const parsed = v.safeParse(schema, value);
    if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
    const { id, task, type, split, conversations } = parsed.output;
    return {
      ok: true,
      row: {
        format: 'MGrounding / LLaVA',
        id,
        task: task ?? type ?? '',
        ...talkOf(
          parsed.output,
          conversations.map(({ key, ...turn }, i) => ({ ...turn, field: `conversations[${i}].${key}` })),
        ),
        boxes: [],
        refs: [],
        said: null,
        ...ownSplit(split),
        source,
      },
    };
  },
};
