/**
 * LLaVA, VLM-R1, Qwen's fine-tuning data and MGrounding-630k: `conversations` of `from`/`value`, `images` or `image`.
 * ShareGPT's with the keys of OpenAI, `role`/`content`, are read as well, Mantis's `conversation`, and Ferret's boxes.
 */
import * as v from 'valibot';
import {
  idSchema,
  ownSplit,
  quadSchema,
  schemaIssues,
  splitSchema,
  talkEntries,
  talkOf,
  type RawBox,
  type RawRow,
  type RowFormat,
} from '../raw-row.ts';
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
  conversations: v.optional(v.array(turn)),
  conversation: v.optional(v.array(turn)),
  box_x1y1x2y2: v.fallback(v.optional(v.nullable(v.array(v.array(quadSchema)))), undefined),
  image_w: v.fallback(v.optional(v.number()), undefined),
  image_h: v.fallback(v.optional(v.number()), undefined),
});

/**
 * Ferret's: `<bbox_location0>` in a turn stands for the first of that turn's boxes in `box_x1y1x2y2`, in pixels of
 * `image_w` × `image_h`.
 */
function ferretBoxes(
  turns: readonly { readonly text: string }[],
  lists: readonly (readonly (readonly number[])[])[],
  [width, height]: readonly [number | undefined, number | undefined],
): { texts: string[]; boxes: RawBox[]; said: RawRow['said'] } {
  const sized = width !== undefined && height !== undefined;
  const boxes: RawBox[] = [];
  const texts = turns.map(({ text }, turn) =>
    text.replace(/<bbox_location(\d{1,3})>/g, (mark, i: string) => {
      const numbers = lists[turn]?.[Number(i)];
      if (!numbers) return mark;
      boxes.push({ numbers: sized ? numbers.map((n, k) => n / (k % 2 ? height : width)) : numbers, image: null });
      return '<bbox>';
    }),
  );
  return {
    texts,
    boxes,
    said: sized ? { space: 'fraction', layout: 'xyxy', by: 'row' } : { space: 'natural', layout: 'xyxy', by: 'format' },
  };
}

export const llava: RowFormat = {
  matches: (value) => Object.hasOwn(value, 'conversations') || Object.hasOwn(value, 'conversation'),
  read: (value, source) => {
    const parsed = v.safeParse(schema, value);
    if (!parsed.success) return { ok: false, issues: schemaIssues(parsed.issues, source) };
    const { id, task, type, split, conversations, conversation, box_x1y1x2y2: lists, image_w, image_h } = parsed.output;
    const said = conversations ?? conversation ?? [];
    const name = conversations ? 'conversations' : 'conversation';
    const ferret = lists?.length ? ferretBoxes(said, lists, [image_w, image_h]) : null;
    return {
      ok: true,
      row: {
        id,
        task: task ?? type ?? '',
        ...talkOf(
          parsed.output,
          said.map(({ key, ...each }, i) => ({
            ...each,
            text: ferret?.texts[i] ?? each.text,
            field: `${name}[${i}].${key}`,
          })),
        ),
        boxes: ferret?.boxes ?? [],
        refs: [],
        said: ferret?.said ?? null,
        ...ownSplit(split),
        source,
      },
    };
  },
};
