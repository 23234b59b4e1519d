/** Where a text has pictures and boxes: `<image>`, `<bbox>` and `<ref-object>` marks, and coordinates written out. */
import type { Misfit } from '../grounding/box-values.ts';
import type { Numbers } from '../grounding/convention.ts';
import { imageHints, imageOf, statedFor, type Counted, type ImageHint, type Stated } from '../grounding/image-hint.ts';
import { findBoxes, spellingOf, type Quad } from '../grounding/quads.ts';
import type { BoxLayout, WayOfWriting } from './dataset-ref.ts';
import type { RawBox, RawRow } from './raw-row.ts';

/** `stated`: the row or the form itself says what its numbers are. */
export type Written = 'stated' | WayOfWriting;

export interface BoxPlace {
  /** Of the whole form: boxes of one JSON value share it. */
  readonly start: number;
  readonly end: number;
  readonly numbers: Numbers;
  readonly label?: string;
  /** Picture the text or the row states, from 0, −1 the last; null unsaid. */
  readonly image: number | null;
  /** Which decision about coordinates applies: the box's own word, or what was found for this way of writing. */
  readonly written: Written;
  /** What the form itself states of its numbers: thousandths. */
  readonly space?: 'thousand';
  /** A list of four of which nothing in the row says which number is which. */
  readonly unordered?: true;
  /** Between `<|box_start|>` tokens. */
  readonly tokens: boolean;
  readonly decimal: boolean;
  /** Of a box inside JSON: the list or object alone, and how its numbers stand in it. */
  readonly inner?: { readonly start: number; readonly end: number; readonly spelling: string };
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
  readonly misfits: readonly Misfit[];
  /** Those of the quads that stand for `<bbox>` marks. */
  readonly marks: ReadonlySet<Quad>;
  /** Who says what the numbers of its `<bbox>` boxes are. */
  readonly said: RawRow['said'];
  /** Words that name a picture. */
  readonly hints: readonly ImageHint[];
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
  (a >= 0 &&
    b >= 0 &&
    (((layout === null || layout === 'xyxy' || layout === 'yxyx') && a <= c && b <= d) ||
      (layout !== 'xyxy' && layout !== 'yxyx' && c > 0 && d > 0)));

interface FilledMark {
  readonly start: number;
  readonly end: number;
  readonly box: RawBox;
  readonly label?: string;
}

/** `<bbox>` of a pair of tags, `<bbox>[…]</bbox>`, is no mark. */
const MARK = /<ref-object>|<bbox>(?![^<]{0,200}<\/bbox>)/g;

/** The text with its marks filled in, boxes as lists of numbers. */
function filled(original: string, supply: MarkSupply): { text: string; marks: FilledMark[] } {
  const marks: FilledMark[] = [];
  let text = '';
  let from = 0;
  let ref: { end: number; label: string } | null = null;
  for (const mark of original.matchAll(MARK)) {
    text += original.slice(from, mark.index);
    from = mark.index + mark[0].length;
    if (mark[0] === '<ref-object>') {
      const label = supply.ref();
      text += label;
      ref = { end: text.length, label };
      continue;
    }
    const box = supply.box();
    const start = text.length;
    text += box ? `[${box.numbers.join(', ')}]` : mark[0];
    if (box)
      marks.push({ start, end: text.length, box, ...(ref?.end === start && ref.label ? { label: ref.label } : {}) });
  }
  return { text: text + original.slice(from), marks };
}

/** Names of the row's pictures in a text: which of them is meant. */
function nameHints(text: string, images: readonly string[]): ImageHint[] {
  const names = images.map(lastPart);
  return names.flatMap((name, image) => {
    const hints: ImageHint[] = [];
    if (images.length < 2 || !name.includes('.') || names.indexOf(name) !== names.lastIndexOf(name)) return hints;
    for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length))
      if (!/[\p{L}\p{N}_-]/u.test(text[at - 1] ?? '')) hints.push({ start: at, end: at + name.length, image });
    return hints;
  });
}

export const lastPart = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** `said`: of the row. `images`: the row's pictures by name. */
export function searchText(
  original: string,
  supply: MarkSupply,
  said: RawRow['said'],
  images: readonly string[] = [],
): SearchedText {
  const { text, marks: filledMarks } = filled(original, supply);
  const found = findBoxes(text);
  const marks = new Set<Quad>();
  const quads = found.quads.map((each): Quad => {
    const quad = named(each, images);
    const { start, end } = quad.inner ?? quad;
    const mark = filledMarks.find((each) => each.start === start && each.end === end);
    if (!mark) return quad;
    filledMarks.splice(filledMarks.indexOf(mark), 1);
    const own = ofMark(mark, quad);
    marks.add(own);
    return own;
  });
  // A mark inside of something that is no JSON.
  for (const mark of filledMarks) {
    const own = ofMark(mark, {
      start: mark.start,
      end: mark.end,
      form: 'list',
      image: null,
      decimal: false,
      strict: false,
    });
    quads.push(own);
    marks.add(own);
  }
  quads.sort((a, b) => a.start - b.start || (a.inner?.start ?? 0) - (b.inner?.start ?? 0));
  const hints = [...imageHints(text), ...nameHints(text, images)].sort((a, b) => a.start - b.start);
  return { text, quads, misfits: found.misfits, marks, said, hints };
}

/** Its numbers are the row's own, whatever key they were put under. */
function ofMark({ box, label }: FilledMark, quad: Omit<Quad, 'numbers' | 'space' | 'corners'>): Quad {
  const { start, end, form, inner, strict, label: said, counted } = quad;
  return {
    start,
    end,
    form,
    strict,
    ...(inner && { inner }),
    ...(said !== undefined && { label: said }),
    ...(counted && { counted }),
    numbers: box.numbers as unknown as Numbers,
    image: box.image ?? quad.image,
    decimal: box.numbers.some((n) => !Number.isInteger(n)),
    ...(label === undefined ? {} : { label }),
  };
}

/** A picture that a box's form names by its file. */
function named(quad: Quad, images: readonly string[]): Quad {
  if (quad.named === undefined || quad.image !== null) return quad;
  const wanted = lastPart(quad.named);
  const image = images.findIndex((path) => lastPart(path) === wanted);
  return image < 0 ? quad : { ...quad, image };
}

/** Numbers by which a text names pictures. */
export const countedIn = ({ quads, hints }: SearchedText): Counted[] =>
  [...quads, ...hints].flatMap(({ counted }) => counted ?? []);

/** From which number a word or key counts pictures in this file; undefined: as its name says. */
export type CountsFrom = (by: string) => 0 | 1 | undefined;

function writtenAs({ form, corners, space }: Quad, said: RawRow['said']): Written {
  if (said) return said.by === 'row' ? 'stated' : 'declared';
  if (space) return 'stated';
  return form === 'pairs' || corners ? 'pairs' : 'list';
}

/** The boxes of a text. `layout`: of lists of four; null: what could be a box in either. */
export function placesIn(
  { text, quads: all, marks, said, hints }: SearchedText,
  layout: BoxLayout | null,
  countsFrom: CountsFrom = () => undefined,
): MarkedText {
  const counted = <T extends Stated>(stated: T): T =>
    stated.counted ? { ...stated, image: imageOf(stated.counted, countsFrom(stated.counted.by)) } : stated;
  const quads = all.filter((quad) => marks.has(quad) || plausible(quad, layout) || fills(quad, text));
  const stated = statedFor(quads.map(counted), hints.map(counted));
  const boxes = quads.map((quad, i): BoxPlace => {
    const { start, end, numbers, label, decimal, space, inner } = quad;
    return {
      start,
      end,
      numbers,
      image: stated[i]?.image ?? null,
      written: writtenAs(quad, marks.has(quad) ? said : null),
      ...(quad.form !== 'pairs' && !quad.ordered && !quad.corners && !quad.space && !marks.has(quad)
        ? { unordered: true as const }
        : {}),
      tokens: text.slice(start, end).includes('<|box_'),
      decimal,
      ...(label === undefined ? {} : { label }),
      ...(space && { space }),
      ...(inner && { inner: { start: inner.start, end: inner.end, spelling: spellingOf(text, inner) } }),
    };
  });
  return { text, boxes };
}
