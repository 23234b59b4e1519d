/**
 * Conversation → token ids with every picture's placeholder expanded, and the loss mask. No library gives offsets
 * from text to tokens, so the mask is built from segments: prompt | completion | end of turn, each encoded alone. That
 * is right only if no token spans a border, which is checked against the encoding of the whole; a row for which it
 * fails is a value, not a throw.
 */
import type { ChatMessage, ChatTemplate } from './chat-template.ts';
import { earlierAnswers, type TextSpan } from './earlier-answers.ts';
import type { Tokenizer } from './tokenizer.ts';

/** What stands for a picture in the template's text, and what the model reads instead. */
export interface ImagePlaceholder {
  readonly token: string;
  /** Ids for picture `image` of the sample: image tokens and whatever surrounds them. */
  expansion(image: number): readonly number[];
}

export interface ImageSpan {
  readonly image: number;
  /** First id of the expansion, and how many. */
  readonly start: number;
  readonly length: number;
}

export interface EncodedPrompt {
  /** The template's text, placeholders not expanded. */
  readonly text: string;
  /** Its ids. */
  readonly plain: readonly number[];
  readonly ids: Int32Array;
  readonly images: readonly ImageSpan[];
}

export interface EncodedSample extends EncodedPrompt {
  readonly promptLength: number;
  /** Per id, 1 where it is learnt: every answer, the completion as the last of them, with the ends of their turns. */
  readonly inLoss: Uint8Array;
  /** Earlier answers that are not learnt: the template rewrites them, or the tokenizer merges across their borders. */
  readonly unlearnt: number;
}

export type Encoding<T> =
  | ({ readonly ok: true } & T)
  | {
      readonly ok: false;
      readonly code: 'placeholder-count' | 'merged-border' | 'placeholder-in-completion';
      readonly reason: string;
    };

const picturesOf = (messages: readonly ChatMessage[]): number[] => {
  let next = 0;
  return messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'image' ? [part.image ?? next++] : [])),
  );
};

/** Prompt ids, ending where the model is to go on. Fails with `placeholder-count` if text mentions the placeholder. */
export function encodePrompt(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  placeholder: ImagePlaceholder,
): Encoding<EncodedPrompt> {
  const text = template.render(messages);
  return expand(tokenizer, text, picturesOf(messages), placeholder);
}

function expand(
  tokenizer: Tokenizer,
  text: string,
  pictures: readonly number[],
  placeholder: ImagePlaceholder,
): Encoding<EncodedPrompt> {
  const mark = tokenizer.requireId(placeholder.token);
  const ids: number[] = [];
  const images: ImageSpan[] = [];
  let marks = 0;
  const plain = tokenizer.encode(text);
  for (const id of plain) {
    const image = id === mark ? pictures[marks++] : undefined;
    if (image === undefined) {
      ids.push(id);
      continue;
    }
    const tokens = placeholder.expansion(image);
    images.push({ image, start: ids.length, length: tokens.length });
    for (const token of tokens) ids.push(token);
  }
  if (marks !== pictures.length)
    return {
      ok: false,
      code: 'placeholder-count',
      reason:
        marks < pictures.length
          ? `The chat template writes ${marks} × ${placeholder.token} for ${pictures.length} pictures. It is probably not the template of this model.`
          : `The prompt has ${marks} × ${placeholder.token} for ${pictures.length} pictures. The text must not contain this token.`,
    };
  return { ok: true, text, plain, ids: Int32Array.from(ids), images };
}

/**
 * Prompt, completion and end of turn, with the loss mask. `endOfTurn` is the token's text, `<|im_end|>` for Qwen.
 * Fails with `merged-border` if the tokenizer would merge across a border.
 */
export function encodeSample(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  completion: string,
  placeholder: ImagePlaceholder,
  endOfTurn: string,
): Encoding<EncodedSample> {
  const prompt = encodePrompt(tokenizer, template, messages, placeholder);
  if (!prompt.ok) return prompt;
  const answer = tokenizer.encode(completion);
  if (answer.includes(tokenizer.requireId(placeholder.token)))
    return { ok: false, code: 'placeholder-in-completion', reason: `The answer contains ${placeholder.token}.` };
  const learnt = [...answer, tokenizer.requireId(endOfTurn)];

  const after = completion + endOfTurn;
  if (!joins(tokenizer, lastTurn(tokenizer, prompt), after, learnt) && !joins(tokenizer, prompt, after, learnt))
    return {
      ok: false,
      code: 'merged-border',
      reason: `The tokenizer merges the answer's beginning (${JSON.stringify(completion.slice(0, 12))}) with the prompt's end. Let the answer begin with another character.`,
    };

  const ids = new Int32Array(prompt.ids.length + learnt.length);
  ids.set(prompt.ids);
  ids.set(learnt, prompt.ids.length);
  const inLoss = new Uint8Array(ids.length).fill(1, prompt.ids.length);
  const { spans, missing } = earlierAnswers(template, messages, prompt.text, endOfTurn);
  const marked = spans.length ? markSpans(tokenizer, prompt, spans, inLoss) : true;
  return { ...prompt, ids, promptLength: prompt.ids.length, inLoss, unlearnt: missing + (marked ? 0 : spans.length) };
}

/** Sets what stands in the spans of the prompt's text; false where a token spans a border, and nothing is set. */
function markSpans(
  tokenizer: Tokenizer,
  { text, plain, images }: EncodedPrompt,
  spans: readonly TextSpan[],
  inLoss: Uint8Array,
): boolean {
  const pieces: { ids: readonly number[]; learnt: boolean }[] = [];
  let at = 0;
  for (const { start, end } of spans) {
    pieces.push({ ids: tokenizer.encode(text.slice(at, start)), learnt: false });
    pieces.push({ ids: tokenizer.encode(text.slice(start, end)), learnt: true });
    at = end;
  }
  pieces.push({ ids: tokenizer.encode(text.slice(at)), learnt: false });
  const joined = pieces.flatMap(({ ids }) => ids);
  if (joined.length !== plain.length || joined.some((id, i) => id !== plain[i])) return false;
  let place = 0;
  let picture = 0;
  // A placeholder is one token of the text, and many of the prompt.
  for (const { ids, learnt } of pieces)
    for (let i = 0; i < ids.length; i++) {
      const span = images[picture];
      if (span?.start === place) {
        place += span.length;
        picture++;
      } else inLoss[place++] = Number(learnt);
    }
  return true;
}

type Encoded = Pick<EncodedPrompt, 'text' | 'plain'>;

/** Whether `before` and `after` encoded together are their encodings side by side. */
function joins(tokenizer: Tokenizer, before: Encoded, after: string, ids: readonly number[]): boolean {
  const whole = tokenizer.encode(before.text + after);
  const joined = [...before.plain, ...ids];
  return whole.length === joined.length && whole.every((id, i) => id === joined[i]);
}

/** From the last special token on: nothing merges across one, so a border behind it can be looked at without the rest. */
function lastTurn(tokenizer: Tokenizer, { text, plain }: Encoded): Encoded {
  const at = plain.findLastIndex((id) => tokenizer.isSpecial(id));
  const from = at < 0 ? 0 : text.lastIndexOf(tokenizer.tokenOf(plain[at]!)!);
  return from > 0 ? { text: text.slice(from), plain: plain.slice(at) } : { text, plain };
}
