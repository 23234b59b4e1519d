/** LLaVA, VLM-R1, Qwen's fine-tuning data and MGrounding-630k: `conversations` of `from`/`value`, `images` or `image`. */
import * as v from 'valibot';
import { idSchema, imagesSchema, ownSplit, schemaIssues, splitSchema, type RowFormat } from '../raw-row.ts';

const schema = v.object({
  id: idSchema,
  images: v.optional(v.nullable(imagesSchema)),
  image: v.optional(v.nullable(imagesSchema)),
  task: v.fallback(v.optional(v.string()), undefined),
  type: v.fallback(v.optional(v.string()), undefined),
  split: splitSchema,
  conversations: v.array(v.object({ from: v.string(), value: v.string() })),
});

export const llava: RowFormat = {
  name: 'MGrounding / LLaVA',
  matches: (value) => Object.hasOwn(value, 'conversations'),
  read: (value, source) => {
    const parsed = v.safeParse(schema, value);
    if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
    const { id, images, image, task, type, split, conversations } = parsed.output;
    return {
      ok: true,
      row: {
        format: 'MGrounding / LLaVA',
        id,
        task: task ?? type ?? '',
        images: images ?? image ?? [],
        turns: conversations.map(({ from, value: text }, i) => ({
          role: from,
          text,
          field: `conversations[${i}].value`,
        })),
        boxes: [],
        refs: [],
        space: null,
        ...ownSplit(split),
        source,
      },
    };
  },
};
