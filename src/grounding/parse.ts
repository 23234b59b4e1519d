/**
 * A model's text → its thinking, its boxes and whether the form was kept. Never throws, whatever the model wrote.
 *
 * Which boxes count: those inside the first `<answer>…</answer>` after the last `</think>`, in reading order, so that
 * a box mentioned while thinking never wins over the answer (UniVG-R1's evaluation has that defect). An unclosed
 * `<answer>` reaches to the end of the text. Whoever scores one box takes `boxes[0]`. Numbers are in the family's
 * declared space. `mode: 'tolerant'` also reads an answer without tags, and decimals up to 1 as fractions.
 *
 * `formatOk` is strict: each tag exactly once, nothing around them, and the answer in the form the convention writes,
 * with whole numbers inside the picture and corners in order. It is not needed for the boxes to be read.
 */
import { box01, type Box01, type Size } from './box.ts';
import { asThousand, clampBox01, fromThousand } from './convert.ts';
import type { BoxConvention, Numbers } from './convention.ts';
import { imageHints, resolveHint, statedFor } from './image-hint.ts';
import { findQuads, type Quad } from './quads.ts';

export interface ParsedBox {
  /** From 0; null if the text does not say which of several pictures, or names one that does not exist. */
  readonly image: number | null;
  readonly box: Box01;
  readonly label?: string;
}

export interface ParsedAnswer {
  readonly think: string | null;
  /** The part of the text the boxes were looked for in. */
  readonly answer: string;
  readonly boxes: readonly ParsedBox[];
  readonly formatOk: boolean;
  /** `<think>…</think><answer>…</answer>` alone, whatever the answer is. */
  readonly tagsOk: boolean;
  /** At least one box was read. */
  readonly parsed: boolean;
}

export interface ParseContext {
  readonly convention: BoxConvention;
  /** Sizes of the sample's pictures as the model sees them, in order. */
  readonly sizes: readonly Size[];
  readonly mode?: 'strict' | 'tolerant';
  /** Whether the form asks for thinking; `prefilled`: the prompt already contains `<think>`. Default required. */
  readonly thinking?: Thinking;
}

export type Thinking = 'required' | 'optional' | 'absent' | 'prefilled';

/** Signs of every family that end a turn. */
export const END_OF_TURN = /(?:<\|im_end\|>|<\|endoftext\|>|<end_of_utterance>)$/;

function withoutEnd(text: string): string {
  let rest = text.trim();
  while (END_OF_TURN.test(rest)) rest = rest.replace(END_OF_TURN, '').trimEnd();
  return rest;
}

const count = (text: string, part: string): number => text.split(part).length - 1;

function tagsKept(text: string, thinking: Thinking): boolean {
  const whole = thinking === 'prefilled' ? `<think>${text}` : text;
  const thinks = [count(whole, '<think>'), count(whole, '</think>')];
  if (count(whole, '<answer>') !== 1 || count(whole, '</answer>') !== 1 || !whole.endsWith('</answer>')) return false;
  if (thinks[0] === 0 && thinks[1] === 0)
    return (thinking === 'optional' || thinking === 'absent') && whole.startsWith('<answer>');
  if (thinking === 'absent') return false;
  if (thinks[0] !== 1 || thinks[1] !== 1 || !whole.startsWith('<think>')) return false;
  const closed = whole.indexOf('</think>') + '</think>'.length;
  return whole.slice(closed).trimStart().startsWith('<answer>');
}

export interface TaggedText {
  readonly think: string | null;
  readonly answer: string;
  readonly hasAnswerTag: boolean;
  /** There are words beside the thinking and the answer. */
  readonly outside: boolean;
}

/** Takes thinking and answer apart; `answer` is the rest of the text where there is no `<answer>`. */
export function splitTags(text: string): TaggedText {
  const thinkEnd = text.lastIndexOf('</think>');
  const thinkStart = text.indexOf('<think>');
  const rest = thinkEnd < 0 ? text : text.slice(thinkEnd + '</think>'.length);
  const answerStart = rest.indexOf('<answer>');
  const answerEnd = answerStart < 0 ? -1 : rest.indexOf('</answer>', answerStart);
  let think: string | null = null;
  if (thinkEnd >= 0)
    think = text.slice(thinkStart >= 0 && thinkStart < thinkEnd ? thinkStart + '<think>'.length : 0, thinkEnd).trim();
  else if (thinkStart >= 0 && answerStart < 0) think = text.slice(thinkStart + '<think>'.length).trim(); // cut off while thinking
  else if (thinkStart >= 0 && thinkStart < answerStart)
    think = text.slice(thinkStart + '<think>'.length, answerStart).trim();
  if (answerStart < 0)
    return { think, answer: thinkEnd < 0 && thinkStart >= 0 ? '' : rest.trim(), hasAnswerTag: false, outside: false };
  const before =
    thinkEnd < 0 && thinkStart >= 0 && thinkStart < answerStart
      ? rest.slice(0, thinkStart)
      : rest.slice(0, answerStart);
  const outside = before.trim() !== '' || (answerEnd >= 0 && rest.slice(answerEnd + '</answer>'.length).trim() !== '');
  const answer = rest.slice(answerStart + '<answer>'.length, answerEnd < 0 ? undefined : answerEnd).trim();
  return { think, answer, hasAnswerTag: true, outside };
}

const isFraction = (quad: Quad): boolean => quad.decimal && quad.numbers.every((v) => v >= 0 && v <= 1);

/** In the family's space, unless the form itself states another one. */
function readBox(quad: Quad, mode: 'strict' | 'tolerant', convention: BoxConvention, size: Size): Box01 {
  if (quad.space === 'thousand') return fromThousand(asThousand(quad.numbers));
  return mode === 'tolerant' && isFraction(quad) ? box01(...quad.numbers) : convention.read(quad.numbers, size);
}

/** As the convention itself would have written it. */
function canonical(numbers: Numbers, quad: Quad, convention: BoxConvention, size: Size): boolean {
  const [x1, y1, x2, y2] = numbers;
  const limit = convention.limits(size);
  return (
    convention.syntax.keeps(quad) &&
    numbers.every(Number.isInteger) &&
    x1 >= 0 &&
    y1 >= 0 &&
    x1 <= x2 &&
    y1 <= y2 &&
    x2 <= limit.x &&
    y2 <= limit.y
  );
}

export function parseAnswer(
  text: string,
  { convention, sizes, mode = 'strict', thinking = 'required' }: ParseContext,
): ParsedAnswer {
  const trimmed = withoutEnd(text);
  const { think, answer, hasAnswerTag } = splitTags(trimmed);
  const tagsOk = tagsKept(trimmed, thinking);
  const searched = hasAnswerTag || mode === 'tolerant' ? answer : '';
  const quads = sizes.length ? findQuads(searched) : [];
  const stated = statedFor(quads, quads.length ? imageHints(searched) : []);
  let wellFormed = tagsOk && quads.length > 0 && convention.syntax.fills(searched, quads);
  const boxes = quads.map((quad, i): ParsedBox => {
    const said = stated[i]?.image ?? null;
    const image = said === null ? (sizes.length === 1 ? 0 : null) : resolveHint(said, sizes.length);
    const size = sizes[image ?? 0]!;
    wellFormed &&= image !== null && canonical(quad.numbers, quad, convention, size);
    const box = readBox(quad, mode, convention, size);
    return { image, box: clampBox01(box), ...(quad.label === undefined ? {} : { label: quad.label }) };
  });
  return { think, answer: searched, boxes, formatOk: wellFormed, tagsOk, parsed: boxes.length > 0 };
}
