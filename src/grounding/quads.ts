/**
 * Finds boxes written in text, in any of the field's forms, without deciding their space:
 *
 *     {"image": 2, "bbox_2d": [12, 30, 55, 80]}      fenced or bare, as JSON or nearly (loose-json.ts, box-values.ts)
 *     <|box_start|>(12,30),(55,80)<|box_end|>        with or without tokens, ref labels, <box> tags
 *     [12, 30, 55, 80]   (12, 30, 55, 80)   <box>12 30 55 80</box>   x1=12, y1=30, x2=55, y2=80
 *     left=12 top=30 right=55 bottom=80   x=12, y=30, w=43, h=50   (12,30) to (55,80)   12 30 55 80, alone
 *     top-left (12, 30), bottom-right (55, 80)
 *     <loc0030><loc0012>…   <loc_12>…   {<12><30><55><80>}   <12><30><55><80>
 *
 * What is meant as a place and is no box (a quadrilateral, a point) is found as a misfit. Linear in the text's length:
 * no regular expression has nested or adjacent unbounded repetition. Never throws.
 */
import { BoxWalk, type FoundBox, type Misfit, type Slot } from './box-values.ts';
import type { Numbers } from './convention.ts';
import type { Counted } from './image-hint.ts';
import { halfWidth, looseValues, type LooseValue } from './loose-json.ts';

export interface Quad {
  /** Where it stands in the text, tokens, fence and label included. Quads of one JSON value share a place. */
  readonly start: number;
  readonly end: number;
  /** Two corners; of lists of four, the numbers in their order. */
  readonly numbers: Numbers;
  /** `object`: under a key that names a box. */
  readonly form: 'object' | 'pairs' | 'list';
  /** Picture stated inside the form itself, from 0; −1 is the last. */
  readonly image: number | null;
  /** Its number as written there. */
  readonly counted?: Counted;
  /** A picture named there by something else than a number. */
  readonly named?: string;
  readonly label?: string;
  /** The form names the sides: two corners, whatever the file's lists are. */
  readonly corners?: true;
  /** What the form states of its numbers, whatever the file's others are: thousandths. */
  readonly space?: 'thousand';
  /** The form, or words beside it, say which number is which. */
  readonly ordered?: true;
  /** Written with a decimal point. */
  readonly decimal: boolean;
  /** In JSON, or what is nearly JSON: the list or object that is the box, and where each number stands. */
  readonly inner?: { readonly start: number; readonly end: number; readonly slots: readonly Slot[] };
  /** In JSON that any parser reads. */
  readonly strict: boolean;
}

/** A runaway answer may repeat itself for ever; nobody scores the thousand-and-first box. */
const MAX_QUADS = 1000;

const D = String.raw`-?\d{1,30}(?:\.\d{0,30})?(?:[eE][-+]?\d{1,2})?`;
const N = String.raw`\s{0,8}(${D})(?:\s?px)?\s{0,8}`;
/** A text that is nothing but four numbers. */
const BARE = [
  new RegExp(`^${N},${N},${N},${N}$`),
  new RegExp(String.raw`^\s?(?:bbox|box)?\s?[:=]?\s?(${D})\s(${D})\s(${D})\s(${D})\s?$`, 'i'),
];
const PAIRS = new RegExp(
  String.raw`(?:<\|box_start\|>|<box>)?\(${N},${N}\)\s{0,4}(?:,|to|and|-|–|→)?\s{0,4}\(${N},${N}\)(?:<\|box_end\|>|<\|box_start\|>|</box>)?`,
  'g',
);
const LIST = new RegExp(String.raw`(?:<\|box_start\|>)?[\[(]${N},${N},${N},${N}[\])](?:<\|box_end\|>)?`, 'g');
const TAGGED = new RegExp(String.raw`<(?:box|bbox)>\s?(${D})\s(${D})\s(${D})\s(${D})\s?</(?:box|bbox)>`, 'g');
/** A tag for every number, as XML has it. */
const tags = (names: readonly string[]) => names.map((name) => `<${name}>${N}</${name}>`).join(String.raw`\s{0,20}`);
const inTags = (names: readonly string[]) =>
  new RegExp(String.raw`(?:<(?:box|bbox|bndbox)>\s{0,20})?${tags(names)}(?:\s{0,20}</(?:box|bbox|bndbox)>)?`, 'gi');
/** A name before every number. */
const named = (names: readonly string[]) =>
  new RegExp(names.map((name) => String.raw`\b${name}\s?[=:]\s?["']?(${D})["']?`).join(String.raw`[,;\s]{1,4}`), 'gi');
const CORNERS = ['x1', 'y1', 'x2', 'y2'];
const EDGES = ['left', 'top', 'right', 'bottom'];
/** A corner, width and height by their names. */
const SIZES = [
  ['x', 'y', 'w', 'h'],
  ['x', 'y', 'width', 'height'],
  ['left', 'top', 'width', 'height'],
];
const EXTREMES = ['xmin', 'ymin', 'xmax', 'ymax'];
/** Two corners by their names: “top-left (10, 20), bottom-right (30, 40)”, 左上角(10,20)，右下角(30,40). */
const corner = (across: string, down: string, han: string): string =>
  String.raw`(?:(?:${down})[\s_-]?${across}|${across}[\s_-]?(?:${down})|${han})(?:\s?(?:corner|point|coordinates?|角|坐标)){0,2}\s{0,2}(?:is at|is|at|为|是|[=:])?\s{0,2}[(\[]${N},${N}[)\]]`;
const TOP_LEFT = corner('left', 'top|upper', '左上');
const TOP_RIGHT = corner('right', 'top|upper', '右上');
const BOTTOM_LEFT = corner('left', 'bottom|lower', '左下');
const BOTTOM_RIGHT = corner('right', 'bottom|lower', '右下');
const twoCorners = (first: string, second: string) =>
  new RegExp(String.raw`${first}\s{0,3}[,;.]?\s{0,3}(?:(?:and|to|the|its|和|,)\s{0,2}){0,3}${second}`, 'gi');
/** PaliGemma (big_vision, paligemma README): y first, in 1024ths, the label behind. */
const LOC_1024 = /<loc(\d{4})><loc(\d{4})><loc(\d{4})><loc(\d{4})>(?:\s?([^;<>\n]{1,80}))?/g;
/** Florence-2 (its processor's quantiser): thousandths, the label before. */
const LOC_1000 = /([^<>;,\n]{1,80})?<loc_(\d{1,3})><loc_(\d{1,3})><loc_(\d{1,3})><loc_(\d{1,3})>/g;
/** MiniGPT-4 (minigpt-v2): {<x1><y1><x2><y2>} in hundredths, <p>label</p> before. */
const BRACED = /(?:<p>([^<>]{1,200})<\/p>\s?)?\{<(\d{1,3})><(\d{1,3})><(\d{1,3})><(\d{1,3})>\}/g;
/** Rex-Omni: a token for every thousandth, boxes of one label separated by commas. */
const BINS = /(?:<\|box_start\|>)?<(\d{1,3})><(\d{1,3})><(\d{1,3})><(\d{1,3})>(?:<\|box_end\|>)?/g;
const OUTLINE =
  /<\|quad_start\|>[^<]{0,200}<\|quad_end\|>|<\|point_start\|>[^<]{0,80}<\|point_end\|>|<points?(?:\s[^<>]{0,400})?>[^<]{0,80}<\/points?>/g;

type Groups = readonly (string | undefined)[];

interface Pattern {
  readonly pattern: RegExp;
  /** Without these letters nothing matches; tells it sooner where the pattern begins with anything. */
  readonly mark?: string;
  readonly form: 'pairs' | 'list';
  /** What a match's groups are. */
  readonly groups: keyof typeof READERS;
  /** Its words name the sides. */
  readonly corners?: true;
}

const four = ([a, b, c, d]: readonly (string | undefined)[]): Numbers => [Number(a), Number(b), Number(c), Number(d)];
const withText = (label: string | undefined) => (label?.trim() ? { label: label.trim() } : {});

/** What the groups of a match say. */
const READERS = {
  corners: (groups: Groups) => ({ numbers: four(groups) }),
  'corners from the last': ([a, b, c, d]: Groups) => ({ numbers: four([c, d, a, b]) }),
  'rising corners': ([a, b, c, d]: Groups) => ({ numbers: four([a, d, c, b]) }),
  'falling corners': ([a, b, c, d]: Groups) => ({ numbers: four([c, b, a, d]) }),
  sizes: (groups: Groups) => {
    const [x, y, width, height] = four(groups);
    return { numbers: [x, y, x + width, y + height] as const };
  },
  hundredths: ([label, ...rest]: Groups) => ({
    numbers: four(rest).map((n) => n * 10) as unknown as Numbers,
    space: 'thousand' as const,
    ...withText(label),
  }),
  '1024ths': ([y1, x1, y2, x2, label]: Groups) => ({
    numbers: four([x1, y1, x2, y2]).map((n) => (n * 1000) / 1024) as unknown as Numbers,
    space: 'thousand' as const,
    ...withText(label),
  }),
  'labelled thousandths': ([label, ...rest]: Groups) => ({
    numbers: four(rest),
    space: 'thousand' as const,
    ...withText(label),
  }),
  thousandths: (groups: Groups) => ({ numbers: four(groups), space: 'thousand' as const }),
} satisfies Readonly<Record<string, (groups: Groups) => { numbers: Numbers; label?: string; space?: 'thousand' }>>;

const PATTERNS: readonly Pattern[] = [
  { pattern: BRACED, form: 'pairs', groups: 'hundredths' },
  { pattern: PAIRS, form: 'pairs', groups: 'corners' },
  { pattern: TAGGED, form: 'pairs', groups: 'corners' },
  { pattern: LIST, form: 'list', groups: 'corners' },
  ...[CORNERS, EXTREMES, EDGES].flatMap((names) =>
    [inTags(names), named(names)].map((pattern): Pattern => ({
      pattern,
      form: 'pairs',
      groups: 'corners',
      corners: true,
    })),
  ),
  ...SIZES.map((names): Pattern => ({ pattern: named(names), form: 'pairs', groups: 'sizes', corners: true })),
  ...(
    [
      [TOP_LEFT, BOTTOM_RIGHT, 'corners'],
      [BOTTOM_RIGHT, TOP_LEFT, 'corners from the last'],
      [BOTTOM_LEFT, TOP_RIGHT, 'rising corners'],
      [TOP_RIGHT, BOTTOM_LEFT, 'falling corners'],
    ] as const
  ).map(([first, second, groups]): Pattern => ({
    pattern: twoCorners(first, second),
    form: 'pairs',
    groups,
    corners: true,
  })),
  { pattern: LOC_1024, form: 'pairs', groups: '1024ths' },
  { pattern: LOC_1000, mark: '<loc_', form: 'pairs', groups: 'labelled thousandths' },
  { pattern: BINS, form: 'pairs', groups: 'thousandths' },
];

/** What every pattern needs; most questions have fewer, and are looked through once instead of by each. */
const FOUR_NUMBERS = /\d(?:\D+\d+){3}/;

const BRACKET_FIRST = /^\s{0,4}[[(]/;
const LAST_BRACKET = /\)(?=\s{0,4}$)/;
const LABEL_BEFORE = /<\|object_ref_start\|>([^<]*)<\|object_ref_end\|>$|<ref>([^<]*)<\/ref>$/;

interface Span {
  readonly start: number;
  readonly end: number;
}

/** What may stand around a value and belongs to its form: opened before, closed after. */
const AROUND: readonly (readonly [RegExp, RegExp])[] = [
  [/```(?:json)?[ \t]{0,4}\n?$/, /^\s?```/],
  [/<(?:box|bbox)>\s?$/, /^\s?<\/(?:box|bbox)>/],
  [/<\|box_start\|>$/, /^<\|box_end\|>/],
  [/\\boxed\{\s?$/, /^\s?\}/],
];

function widened(text: string, { start, end }: Span): Span {
  for (const [opened, closed] of AROUND) {
    const before = opened.exec(text.slice(Math.max(0, start - 16), start));
    const after = before && closed.exec(text.slice(end, end + 16));
    if (before && after) return { start: start - before[0].length, end: end + after[0].length };
  }
  return { start, end };
}

/** A text in quotes as the list that it is, its places those of the whole text. */
function listInString(text: string): (value: LooseValue & { readonly kind: 'string' }) => LooseValue | null {
  return ({ start, end }) => {
    const inside = text.slice(start + 1, end - 1);
    if (inside.length > 400) return null;
    const bare = BRACKET_FIRST.test(inside) ? inside : null;
    // Four numbers without brackets are given some: the quotes' places are free.
    const [value] = looseValues(bare === null ? `[${inside}]` : inside.replace('(', '[').replace(LAST_BRACKET, ']'));
    return value ? moved(value, start + (bare === null ? 0 : 1)) : null;
  };
}

function moved(value: LooseValue, by: number): LooseValue {
  const place = { start: value.start + by, end: value.end + by };
  if (value.kind === 'list') return { ...value, ...place, items: value.items.map((item) => moved(item, by)) };
  if (value.kind === 'object')
    return { ...value, ...place, fields: value.fields.map((field) => ({ ...field, value: moved(field.value, by) })) };
  return { ...value, ...place };
}

function isStrict(text: string, { start, end }: Span): boolean {
  try {
    JSON.parse(text.slice(start, end));
    return true;
  } catch {
    return false;
  }
}

/** `<|object_ref_start|>label<|object_ref_end|>` or `<ref>label</ref>` directly before a box is its label. */
function withLabel(text: string, quad: Quad): Quad {
  const before = text.slice(Math.max(0, quad.start - 400), quad.start);
  const match = LABEL_BEFORE.exec(before);
  return match ? { ...quad, start: quad.start - match[0].length, label: (match[1] ?? match[2])! } : quad;
}

/** Boxes of one label that follow each other within one pair of tokens. */
function sharedLabels(text: string, quads: readonly Quad[]): Quad[] {
  let last: Quad | null = null;
  return quads.map((quad) => {
    const follows = last?.label !== undefined && /^\s?,\s?$/.test(text.slice(last.end, quad.start));
    last = quad.label === undefined && follows ? { ...quad, label: last!.label! } : quad;
    return last;
  });
}

export interface FoundBoxes {
  /** In reading order, at most MAX_QUADS. */
  readonly quads: readonly Quad[];
  readonly misfits: readonly Misfit[];
}

export function findBoxes(text: string): FoundBoxes {
  const quads: Quad[] = [];
  const misfits: Misfit[] = [];
  const taken: Span[] = [];
  const half = halfWidth(text);
  for (const value of looseValues(text)) {
    const walk = new BoxWalk(listInString(text));
    walk.walk(value);
    misfits.push(...walk.misfits);
    if (walk.found.length === 0) {
      taken.push(...walk.others);
      continue;
    }
    const place = widened(text, value);
    const strict = isStrict(text, value);
    const decimal = half.slice(value.start, value.end).includes('.');
    taken.push(place);
    for (const box of walk.found) quads.push(withLabel(text, jsonQuad(box, place, { decimal, strict })));
  }
  for (const { index, 0: part } of text.matchAll(OUTLINE)) {
    const place = { start: index, end: index + part.length };
    misfits.push({ kind: part.startsWith('<|quad') ? 'quadrilateral' : 'point', ...place });
    taken.push(place);
  }
  taken.sort((a, b) => a.start - b.start);
  for (const { pattern, mark, form, groups, corners } of FOUR_NUMBERS.test(half) ? PATTERNS : []) {
    if (mark !== undefined && !half.includes(mark)) continue;
    let next = 0; // spans are in order: one walk along both lists
    const fresh: Span[] = [];
    for (const match of half.matchAll(pattern)) {
      const [start, end] = [match.index, match.index + match[0].length];
      while (next < taken.length && taken[next]!.end <= start) next++;
      if (next < taken.length && taken[next]!.start < end) continue;
      const quad = {
        start,
        end,
        form,
        image: null,
        decimal: match[0].includes('.'),
        strict: false,
        ...(corners && { corners }),
        ...(match[0].includes('<|box_') && { ordered: true as const }),
        ...READERS[groups](match.slice(1)),
      };
      quads.push(withLabel(text, quad));
      fresh.push(quad);
    }
    if (fresh.length) {
      taken.push(...fresh);
      taken.sort((a, b) => a.start - b.start);
    }
  }
  const bare = quads.length === 0 ? BARE.map((pattern) => pattern.exec(half)).find((found) => found) : null;
  if (bare)
    quads.push({
      start: 0,
      end: text.length,
      numbers: four(bare.slice(1)),
      form: 'list',
      image: null,
      decimal: half.includes('.'),
      strict: false,
    });
  quads.sort((a, b) => a.start - b.start); // stable: quads of one JSON value keep their order
  return { quads: sharedLabels(text, quads.slice(0, MAX_QUADS)), misfits };
}

const jsonQuad = (
  { place, slots, ...box }: FoundBox,
  outer: Span,
  how: { decimal: boolean; strict: boolean },
): Quad => ({
  ...outer,
  ...box,
  ...how,
  inner: { ...place, slots },
});

/** The boxes of a text in reading order. */
export const findQuads = (text: string): readonly Quad[] => findBoxes(text).quads;

/** A box of JSON as its file writes it, with `$x1` … `$cy` where its numbers stand. */
export function spellingOf(text: string, { start, end, slots }: NonNullable<Quad['inner']>): string {
  let [spelling, from] = ['', start];
  for (const slot of slots.toSorted((a, b) => a.start - b.start)) {
    spelling += `${text.slice(from, slot.start)}$${slot.side}`;
    from = slot.end;
  }
  return spelling + text.slice(from, end);
}

/** The reverse: numbers x1, y1, x2, y2 in the places of a spelling. */
export function spelled(spelling: string, [x1, y1, x2, y2]: Numbers): string {
  const sides = { x1, y1, x2, y2, w: x2 - x1, h: y2 - y1, cx: (x1 + x2) / 2, cy: (y1 + y2) / 2 };
  return spelling.replace(/\$(x1|y1|x2|y2|cx|cy|w|h)\b/g, (_, side: keyof typeof sides) => String(sides[side]));
}

/** What is looked for, for readers in other languages (jobs/rewards). */
export const QUAD_PATTERNS = {
  bare: BARE,
  outline: OUTLINE,
  around: AROUND,
  quads: PATTERNS,
  bracketFirst: BRACKET_FIRST,
  lastBracket: LAST_BRACKET,
  labelBefore: LABEL_BEFORE,
  mostBoxes: MAX_QUADS,
} as const;
