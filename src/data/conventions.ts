/**
 * In which convention does a file write its boxes? Files do not say, so all of a file's boxes are held against every
 * candidate: `(x1,y1),(x2,y2)` apart from lists of four. What the numbers leave open is told, shown on a picture, and
 * confirmed by the user before training.
 */
import type { Size } from '../grounding/box.ts';
import { smartResize } from '../image/smart-resize.ts';
import type { BoxLayout, Convention, CoordinateSpace, WayOfWriting } from './dataset-ref.ts';

type Numbers = readonly [number, number, number, number];

/** Qwen2.5-VL's defaults (its preprocessor_config.json): the pixels that data made for it is written in. */
const QWEN_LIMITS = { factor: 28, minPixels: 56 * 56, maxPixels: 14 * 14 * 4 * 16384 };

/** A picture's size as Qwen2.5-VL would see it; null for shapes that it refuses. */
export function resizedSize(natural: Size): Size | null {
  const longest = Math.max(natural.width, natural.height);
  return longest > 200 * Math.min(natural.width, natural.height) || natural.width * natural.height === 0
    ? null
    : smartResize(natural, QWEN_LIMITS);
}

export const SPACE_WORDS: Readonly<Record<CoordinateSpace, string>> = {
  fraction: 'fractions of the picture (0–1)',
  thousand: 'thousandths of the picture (0–1000)',
  natural: 'pixels of the picture file',
  model: 'pixels of the picture after Qwen2.5-VL’s resizing',
};

export const LAYOUT_WORDS: Readonly<Record<BoxLayout, string>> = {
  xyxy: 'two corners',
  xywh: 'corner, width and height',
};

export const conventionWords = ({ space, layout }: Convention): string =>
  `${SPACE_WORDS[space]}, as ${LAYOUT_WORDS[layout]}`;

/** The whole of a picture in a space; null where its size is needed and not known. */
export function extent(space: CoordinateSpace, natural: Size | null): Size | null {
  if (space === 'fraction') return { width: 1, height: 1 };
  if (space === 'thousand') return { width: 1000, height: 1000 };
  return natural && (space === 'natural' ? natural : resizedSize(natural));
}

/** Corners, whatever the layout. */
export const corners = ([a, b, c, d]: Numbers, layout: BoxLayout): Numbers =>
  layout === 'xyxy' ? [a, b, c, d] : [a, b, a + c, b + d];

/** Annotations may overshoot a picture's edge by rounding; more is an error. */
export const TOLERANCE = 0.01;

/** Whether four numbers are a box inside the picture. */
function fits(numbers: Numbers, layout: BoxLayout, whole: Size): boolean {
  const [x1, y1, x2, y2] = corners(numbers, layout);
  return (
    x1 < x2 &&
    y1 < y2 &&
    x1 >= -TOLERANCE * whole.width &&
    y1 >= -TOLERANCE * whole.height &&
    x2 <= (1 + TOLERANCE) * whole.width &&
    y2 <= (1 + TOLERANCE) * whole.height
  );
}

export const SPACES: readonly CoordinateSpace[] = ['natural', 'model', 'thousand', 'fraction'];
export const LAYOUTS: readonly BoxLayout[] = ['xyxy', 'xywh'];

export interface Candidate extends Convention {
  /** Share of the boxes that would lie inside their pictures; null if no picture could be measured. */
  readonly fits: number | null;
}

export interface Decision extends Convention {
  readonly way: WayOfWriting;
  readonly boxes: number;
  /** Why, as the end of a sentence that begins with “because”. */
  readonly reason: string;
  /** The numbers alone do not decide it. */
  readonly ambiguous: boolean;
  readonly candidates: readonly Candidate[];
}

/** Share of boxes above which a stray number cannot be blamed. */
const TELLING = 0.02;
/** Chance of a coincidence that is small enough to call something certain. */
const CERTAIN = 1e-6;
/** With so many boxes no chance puts all second pairs right of and below the first. */
const ENOUGH_FOR_LAYOUT = 10;
/** Share that is inverted at least where the second pair is a width and a height: they exceed x and y in a quarter at most. */
const INVERTED_IF_SIZES = 0.25;
/** So many boxes reach the far part of some picture, if their numbers are of these pictures. */
const ENOUGH_FOR_REACH = 20;
const FAR = 0.7;

/** Counts over the boxes of one file that are written in one way. */
export class Evidence {
  readonly way: WayOfWriting;
  #boxes = 0;
  #tokens = 0;
  #fractions = 0;
  #beyond = 0;
  #inverted = 0;
  #measured = 0;
  #larger = 0;
  #highest = 0;
  /** How far right or down boxes go in their pictures, as pixels of the file. */
  #reach = 0;
  /** Log of the chance that thousandths would all fall inside the pictures, if they fell anywhere up to 1000. */
  #chance = 0;
  readonly #fits = new Map<string, { seen: number; inside: number }>();

  constructor(way: WayOfWriting) {
    this.way = way;
  }

  get boxes(): number {
    return this.#boxes;
  }

  /** `natural`: size of the picture it most probably lies in; null if unknown. */
  add(numbers: Numbers, tokens: boolean, natural: Size | null): void {
    this.#boxes++;
    if (tokens) this.#tokens++;
    if (numbers.every((n) => n >= 0 && n <= 1)) this.#fractions++;
    if (numbers.some((n) => n > 1000)) this.#beyond++;
    if (numbers[2] < numbers[0] || numbers[3] < numbers[1]) this.#inverted++;
    if (natural) {
      this.#measured++;
      if (Math.min(natural.width, natural.height) > 1000) this.#larger++;
      this.#highest = Math.max(this.#highest, numbers[2], numbers[3]);
      this.#reach = Math.max(this.#reach, numbers[2] / natural.width, numbers[3] / natural.height);
      this.#chance += Math.log(Math.min(1, natural.width / 1000)) + Math.log(Math.min(1, natural.height / 1000));
    }
    for (const space of SPACES)
      for (const layout of LAYOUTS) {
        const whole = extent(space, natural);
        if (!whole) continue;
        const key = `${space} ${layout}`;
        const count = this.#fits.get(key) ?? { seen: 0, inside: 0 };
        count.seen++;
        if (fits(numbers, layout, whole)) count.inside++;
        this.#fits.set(key, count);
      }
  }

  #share(space: CoordinateSpace, layout: BoxLayout): number | null {
    const count = this.#fits.get(`${space} ${layout}`);
    return count ? count.inside / count.seen : null;
  }

  decide(): Decision {
    const { layout, sure, why } = this.#layout();
    const found = this.#space(layout);
    return {
      way: this.way,
      boxes: this.#boxes,
      space: found.space,
      layout,
      reason: why ? `${found.reason}, and ${why}` : found.reason,
      ambiguous: found.ambiguous || !sure,
      candidates: SPACES.flatMap((space) =>
        LAYOUTS.map((each) => ({ space, layout: each, fits: this.#share(space, each) })),
      ),
    };
  }

  #layout(): { layout: BoxLayout; sure: boolean; why: string } {
    if (this.way === 'pairs') return { layout: 'xyxy', sure: true, why: '' };
    if (this.#inverted >= INVERTED_IF_SIZES * this.#boxes && this.#inverted > 0)
      return {
        layout: 'xywh',
        sure: true,
        why: 'many would be inverted as two corners, so they are a corner, width and height',
      };
    if (this.#inverted > TELLING * this.#boxes)
      return {
        layout: 'xyxy',
        sure: false,
        why: `${this.#inverted} of ${this.#boxes} would be inverted as two corners: too many for slips, too few for widths and heights`,
      };
    if (this.#boxes >= ENOUGH_FOR_LAYOUT) return { layout: 'xyxy', sure: true, why: '' };
    const sizes = SPACES.some(
      (space) => (this.#share(space, 'xyxy') ?? 0) === 1 && (this.#share(space, 'xywh') ?? 0) === 1,
    );
    return { layout: 'xyxy', sure: !sizes, why: sizes ? 'few boxes cannot tell corners from width and height' : '' };
  }

  #space(layout: BoxLayout): { space: CoordinateSpace; reason: string; ambiguous: boolean } {
    const certain = (space: CoordinateSpace, reason: string) => ({ space, reason, ambiguous: false });
    const guess = (space: CoordinateSpace, reason: string) => ({ space, reason, ambiguous: true });
    const outside = (space: CoordinateSpace) => 1 - (this.#share(space, layout) ?? 1) > TELLING;
    const inCorner = layout === 'xyxy' && this.#measured >= ENOUGH_FOR_REACH && this.#reach < FAR;
    const corner =
      'they fit into the pictures, but none goes near the right or lower edge of one: they may be pixels of smaller copies';
    if (this.#tokens >= this.#boxes / 2) return certain('thousand', 'they stand between <|box_start|> tokens');
    if (this.#fractions >= (1 - TELLING) * this.#boxes) return certain('fraction', 'no number is above 1');
    if (this.#beyond > TELLING * this.#boxes) {
      if (!this.#measured) return guess('natural', 'numbers go beyond 1000, but no picture could be measured');
      if (outside('natural') && !outside('model'))
        return guess('model', 'they leave the picture files, and fit the pictures as Qwen2.5-VL resizes them');
      return inCorner ? guess('natural', corner) : certain('natural', 'numbers go beyond 1000');
    }
    if (this.way === 'pairs')
      return certain('thousand', 'they are written (x1,y1),(x2,y2) and no number is above 1000');
    if (!this.#measured) return guess('thousand', 'no picture could be measured');
    if (outside('natural')) {
      if (!outside('model'))
        return guess('model', 'they leave the picture files, and fit the pictures as Qwen2.5-VL resizes them');
      return certain('thousand', 'as pixels they would lie outside the pictures');
    }
    if (this.#larger === this.#measured && this.#highest > 900)
      return guess('thousand', 'they reach towards 1000 and never beyond, though the pictures are larger');
    if (inCorner) return guess('natural', corner);
    if (this.#chance < Math.log(CERTAIN))
      return certain('natural', 'they fit into the pictures, which thousandths would not');
    return guess('natural', 'they fit into the pictures');
  }
}
