/** Rows written in a model family's convention: what it is asked and what it should answer. */
import type { Size } from '../grounding/box.ts';
import type { BoxConvention } from '../grounding/convention.ts';
import type { Row, Segment } from './row.ts';

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

/** Boxes become text in place. `sizes`: the row's pictures as the model sees them. */
function written(segments: readonly Segment[], convention: BoxConvention, sizes: readonly Size[]): PromptPart[] {
  const parts: PromptPart[] = [];
  for (const segment of segments) {
    if (segment.type === 'image') {
      parts.push(segment);
      continue;
    }
    const text =
      segment.type === 'text' ? segment.text : convention.formatBox(segment.box.box, sizes[segment.box.image]!);
    const last = parts.at(-1);
    if (last?.type === 'text') parts[parts.length - 1] = { type: 'text', text: last.text + text };
    else parts.push({ type: 'text', text });
  }
  return parts;
}

/** The prompt, boxes in the family's convention, pictures as parts with their number in the row. */
export function promptMessages(
  row: Pick<Row, 'prompt'>,
  convention: BoxConvention,
  sizes: readonly Size[],
  { instruction, numberImages = false }: PromptOptions = {},
): PromptMessage[] {
  const lastQuestion = row.prompt.findLastIndex(({ role }) => role === 'user');
  return row.prompt.map(({ role, content }, i) => {
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
  const example =
    convention.syntax === 'json'
      ? pictures > 1
        ? '{"image": n, "bbox_2d": [x1, y1, x2, y2]}'
        : '[{"bbox_2d": [x1, y1, x2, y2]}]'
      : `${pictures > 1 ? 'Image-n: ' : ''}<|box_start|>(x1,y1),(x2,y2)<|box_end|>`;
  return `First output the thinking process in <think> </think> tags and then output the final answer in <answer> </answer> tags, as <answer>${example}</answer>.`;
}

/**
 * What the model should say. With a solution: `<think>…</think><answer>…</answer>`, the answer being the boxes alone in
 * the family's form (the thinking only where the row has one). Without: the text as written, in tags only if the row
 * thinks.
 */
export function targetText(row: Row, convention: BoxConvention, sizes: readonly Size[]): string {
  const think = row.think === undefined ? '' : `<think>${row.think}</think>`;
  if (row.solution.length) return think + convention.formatAnswer(row.solution, sizes);
  const text = written(row.answer, convention, sizes)
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('');
  return row.think === undefined ? text : `${think}<answer>${text}</answer>`;
}
