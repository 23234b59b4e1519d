/**
 * Conversation → token ids with every picture's placeholder expanded, and the loss mask. No library gives offsets
 * from text to tokens, so the mask is built from segments: prompt | completion | end of turn, each encoded alone. That
 * is right only if no token spans a border, which is checked against the encoding of the whole; a row for which it
 * fails is a value, not a throw.
 */
import type { ChatMessage, ChatTemplate } from './chat-template.ts';
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
  /** Per id, 1 where it is learnt: the completion and the end of the turn, nothing else. */
  readonly inLoss: Uint8Array;
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
      reason: `The prompt has ${marks} × ${placeholder.token} for ${pictures.length} pictures. The text must not contain this token.`,
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
  return { ...prompt, ids, promptLength: prompt.ids.length, inLoss };
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
