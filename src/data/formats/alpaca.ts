/** LLaMA-Factory's Alpaca rows with pictures: `instruction`, `input`, `output`, `system`, `history` (its data/README). */
import * as v from 'valibot';
import { idSchema, ownSplit, schemaIssues, splitSchema, talkEntries, talkOf, type RowFormat } from '../raw-row.ts';

const schema = v.object({
  id: idSchema,
  ...talkEntries,
  split: splitSchema,
  instruction: v.string(),
  input: v.optional(v.nullable(v.string())),
  output: v.string(),
  history: v.optional(v.nullable(v.array(v.tuple([v.string(), v.string()])))),
});

export const alpaca: RowFormat = {
  matches: (value) => Object.hasOwn(value, 'instruction') && Object.hasOwn(value, 'output'),
  read: (value, source) => {
    const parsed = v.safeParse(schema, value);
    if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
    const { id, split, instruction, input, output, history } = parsed.output;
    const before = (history ?? []).flatMap(([asked, answered], i) => [
      { role: 'user', text: asked, field: `history[${i}]` },
      { role: 'assistant', text: answered, field: `history[${i}]` },
    ]);
    return {
      ok: true,
      row: {
        id,
        task: '',
        ...talkOf(parsed.output, [
          ...before,
          { role: 'user', text: [instruction, input].filter(Boolean).join('\n'), field: 'instruction' },
          { role: 'assistant', text: output, field: 'output' },
        ]),
        boxes: [],
        refs: [],
        said: null,
        ...ownSplit(split),
        source,
      },
    };
  },
};
