/** Where a text has pictures and boxes: `<image>`, `<bbox>` and `<ref-object>` marks, and coordinates written out. */
import type { Numbers } from '../grounding/convention.ts';
import { imagesOfQuads } from '../grounding/parse.ts';
import { findQuads, type Quad } from '../grounding/quads.ts';
import type { BoxLayout } from './dataset-ref.ts';
import type { RawBox } from './raw-row.ts';

export interface BoxPlace {
  readonly start: number;
  readonly end: number;
  readonly numbers: Numbers;
  readonly label?: string;
  /** Picture the text or the row states, from 0, −1 the last; null unsaid. */
  readonly image: number | null;
  /** Which decision about coordinates applies: the row's own declaration, or what was found for this way of writing. */
  readonly written: 'declared' | 'pairs' | 'list';
  /** Between `<|box_start|>` tokens: Qwen2-VL's thousandths. */
  readonly tokens: boolean;
  readonly decimal: boolean;
}

export interface MarkedText {
  /** `<ref-object>` filled in. */
  readonly text: string;
  readonly boxes: readonly BoxPlace[];
}

/** A text in which everything that may be a box was found; what of it is one depends on how lists of four are laid out. */
export interface SearchedText {
  readonly text: string;
  /** In the order of the text. */
  readonly quads: readonly Quad[];
  /** Those of them that stand for `<bbox>` marks. */
  readonly marks: ReadonlySet<Quad>;
  /** Whether the row states the space of its `<bbox>` boxes. */
  readonly declared: boolean;
}

/** Marks are taken from the row's lists in order, over all turns. */
export class MarkSupply {
  #boxes: readonly RawBox[];
  #refs: readonly string[];
  #box = 0;
  #ref = 0;
  /** `<bbox>` or `<ref-object>` marks for which nothing was left. */
  missing = 0;

  constructor(boxes: readonly RawBox[], refs: readonly string[]) {
    this.#boxes = boxes;
    this.#refs = refs;
  }

  box(): RawBox | null {
    const box = this.#boxes[this.#box++];
    if (!box) this.missing++;
    return box ?? null;
  }

  ref(): string {
    const ref = this.#refs[this.#ref++];
    if (ref === undefined) this.missing++;
    return ref ?? '';
  }

  get unusedBoxes(): number {
    return Math.max(0, this.#boxes.length - this.#box);
  }
}

/** Four numbers that are the whole text are meant as a box, also where they cannot be one. */
const fills = ({ start, end }: Quad, text: string): boolean => text.trim().length <= end - start;

/** Four loose numbers are taken for a box only if they could be one; `null`: in either layout. */
const plausible = ({ form, numbers: [a, b, c, d] }: Quad, layout: BoxLayout | null): boolean =>
  form !== 'list' ||
  (a >= 0 && b >= 0 && ((layout !== 'xywh' && a <= c && b <= d) || (layout !== 'xyxy' && c > 0 && d > 0)));

/** `declared`: whether the row states the space of its `<bbox>` boxes. */
export function searchText(original: string, supply: MarkSupply, declared: boolean): SearchedText {
  const refs: { end: number; label: string }[] = [];
  let text = '';
  let from = 0;
  for (const mark of original.matchAll(/<ref-object>/g)) {
    const label = supply.ref();
    text += original.slice(from, mark.index) + label;
    refs.push({ end: text.length, label });
    from = mark.index + mark[0].length;
  }
  text += original.slice(from);

  const marks = new Set<Quad>();
  for (const mark of text.matchAll(/<bbox>/g)) {
    const box = supply.box();
    if (!box) continue;
    const start = mark.index;
    const label = refs.find(({ end }) => end === start)?.label;
    const quad: Quad = {
      start,
      end: start + mark[0].length,
      numbers: box.numbers as unknown as Numbers,
      form: 'list',
      image: box.image,
      decimal: box.numbers.some((n) => !Number.isInteger(n)),
      ...(label === undefined ? {} : { label }),
    };
    marks.add(quad);
  }
  const quads = [...findQuads(text), ...marks].sort((a, b) => a.start - b.start);
  return { text, quads, marks, declared };
}

/** The boxes of a text. `layout`: of lists of four; null: what could be a box in either. */
export function placesIn({ text, quads: all, marks, declared }: SearchedText, layout: BoxLayout | null): MarkedText {
  const quads = all.filter((quad) => marks.has(quad) || plausible(quad, layout) || fills(quad, text));
  const stated = imagesOfQuads(text, quads);
  const boxes = quads.map((quad, i): BoxPlace => {
    const { start, end, numbers, label, form, decimal } = quad;
    return {
      start,
      end,
      numbers,
      image: stated[i] ?? null,
      written: marks.has(quad) && declared ? 'declared' : form === 'pairs' ? 'pairs' : 'list',
      tokens: text.slice(start, end).includes('<|box_'),
      decimal,
      ...(label === undefined ? {} : { label }),
    };
  });
  return { text, boxes };
}
