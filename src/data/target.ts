/** Rows written in a model family's convention: what it is asked and what it should answer. */
import type { Size } from '../grounding/box.ts';
import type { BoxConvention } from '../grounding/convention.ts';
import { spelled } from '../grounding/quads.ts';
import type { Answered, Row, Segment } from './row.ts';

export type PromptPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: number };

/** A turn as text/chat-template.ts takes it. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly PromptPart[];
}

export interface PromptOptions {
  /** Sentence added to the last question, such as `answerInstruction(…)`. Default none: the row as written. */
  readonly instruction?: string;
  /** Write “Image-1: ” before each picture. Default no. */
  readonly numberImages?: boolean;
}

/** A box in the family's own form; inside JSON only its numbers are the family's, and all else stays as it is. */
function boxText(
  { box, spelling }: Segment & { readonly type: 'box' },
  convention: BoxConvention,
  sizes: readonly Size[],
): string {
  const size = sizes[box.image]!;
  return spelling === undefined
    ? convention.formatBox(box.box, size)
    : spelled(spelling, convention.write(box.box, size));
}

/** Boxes become text in place. `sizes`: the row's pictures as the model sees them. */
function written(segments: readonly Segment[], convention: BoxConvention, sizes: readonly Size[]): PromptPart[] {
  const parts: PromptPart[] = [];
  for (const segment of segments) {
    if (segment.type === 'image') {
      parts.push(segment);
      continue;
    }
    const text = segment.type === 'text' ? segment.text : boxText(segment, convention, sizes);
    const last = parts.at(-1);
    if (last?.type === 'text') parts[parts.length - 1] = { type: 'text', text: last.text + text };
    else parts.push({ type: 'text', text });
  }
  return parts;
}

/** The prompt, boxes in the family's convention, pictures as parts with their number in the row. */
export function promptMessages(
  row: Pick<Row, 'prompt' | 'words'>,
  convention: BoxConvention,
  sizes: readonly Size[],
  { instruction, numberImages = false }: PromptOptions = {},
): PromptMessage[] {
  const lastQuestion = row.prompt.findLastIndex(({ role }) => role === 'user');
  return row.prompt.map(({ role, content, think, nothing }, i) => {
    if (role === 'assistant') {
      const text = answerText({ content, ...given(think, nothing, row.words) }, convention, sizes);
      return { role, content: [{ type: 'text', text }] };
    }
    const labelled = numberImages
      ? content.flatMap((segment): Segment[] =>
          segment.type === 'image' ? [{ type: 'text', text: `Image-${segment.image + 1}: ` }, segment] : [segment],
        )
      : content;
    const asked: readonly Segment[] =
      instruction && i === lastQuestion ? [...labelled, { type: 'text', text: ` ${instruction}` }] : labelled;
    return { role, content: written(asked, convention, sizes) };
  });
}

/** Asks for the form that grounding/parse.ts calls well-formed; the wording of the thinking part is VLM-R1's. */
export function answerInstruction(convention: BoxConvention, pictures: number): string {
  const example = convention.syntax.example(pictures);
  return `First output the thinking process in <think> </think> tags and then output the final answer in <answer> </answer> tags, as <answer>${example}</answer>.`;
}

interface Taught extends Answered {
  readonly content: readonly Segment[];
  readonly words?: true;
}

const given = (think: string | undefined, nothing: true | undefined, words: true | undefined) => ({
  ...(think === undefined ? {} : { think }),
  ...(nothing && { nothing }),
  ...(words && { words }),
});

/** What stands around boxes and says nothing: brackets, quotes, keys of JSON. */
const isBare = (content: readonly Segment[]): boolean =>
  content.every((segment) => segment.type !== 'text' || !/[\p{L}\p{N}]/u.test(segment.text));

/**
 * An answer as it is taught. With boxes: `<think>…</think><answer>…</answer>`, the answer being the boxes alone in the
 * family's form (the thinking only where there is any); with its words, if those are kept. One that says that there is
 * nothing: an empty answer of that form. Without boxes: the text as written, in tags only if it thinks, or if the prompt
 * asks for them (`tagged`).
 */
export function answerText(
  { content, think, nothing, words }: Taught,
  convention: BoxConvention,
  sizes: readonly Size[],
  tagged = false,
): string {
  const thought = think === undefined ? '' : `<think>${think}</think>`;
  const boxes = content.flatMap((segment) => (segment.type === 'box' ? [segment.box] : []));
  if (nothing) return `${thought}<answer>${convention.formatNothing()}</answer>`;
  if (boxes.length && (!words || isBare(content))) return thought + convention.formatAnswer(boxes, sizes);
  const text = written(content, convention, sizes)
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('');
  return boxes.length || think !== undefined || tagged ? `${thought}<answer>${text}</answer>` : text;
}

/** What the model should say. */
export const targetText = (row: Row, convention: BoxConvention, sizes: readonly Size[], tagged = false): string =>
  answerText({ content: row.answer, ...given(row.think, row.nothing, row.words) }, convention, sizes, tagged);
