/** ShareGPT as LLaMA-Factory and TRL have it: `messages` of `role`/`content`, `images`, `system`. */
import * as v from 'valibot';
import {
  contentSchema,
  idSchema,
  ownSplit,
  schemaIssues,
  splitSchema,
  talkEntries,
  talkOf,
  type Content,
  type RowFormat,
} from '../raw-row.ts';

const words = v.fallback(v.optional(v.string()), undefined);

/** What APIs give of a model's thinking beside its answer (DeepSeek's `reasoning_content`, Ollama's `thinking`). */
const thinkingEntries = { reasoning_content: words, reasoning: words, thinking: words };

export const turnSchema = v.pipe(
  v.object({ role: v.string(), content: contentSchema, ...thinkingEntries }),
  v.transform(({ role, content, reasoning_content, reasoning, thinking }) => {
    const thought = reasoning_content || reasoning || thinking;
    const own = thought && role === 'assistant' && !content.text.includes('<think>');
    return { role, content: own ? { ...content, text: `<think>${thought}</think>${content.text}` } : content };
  }),
);

export const messagesEntries = {
  id: idSchema,
  ...talkEntries,
  split: splitSchema,
  task: v.fallback(v.optional(v.string()), undefined),
  messages: v.array(turnSchema),
};

const schema = v.object(messagesEntries);

export const turnsOf = (
  messages: readonly { readonly role: string; readonly content: Content }[],
  field = 'messages',
) => messages.map(({ role, content }, i) => ({ role, ...content, field: `${field}[${i}].content` }));

export const messages: RowFormat = {
  matches: (value) => Object.hasOwn(value, 'messages'),
  read: (value, source) => {
    const parsed = v.safeParse(schema, value);
    if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
    const { id, task, split, messages: list } = parsed.output;
    return {
      ok: true,
      row: {
        id,
        task: task ?? '',
        ...talkOf(parsed.output, turnsOf(list)),
        boxes: [],
        refs: [],
        said: null,
        ...ownSplit(split),
        source,
      },
    };
  },
};
