/**
 * Boxes inside a JSON-like value: which of its lists and objects are boxes, in what order their numbers stand, and what
 * the keys around them say of picture and label. Keys are those of the field's tools; what a key says for certain
 * (Gemini's `box_2d`: y first, in thousandths) is said of the box.
 */
import { isPictureName } from '../base/picture-files.ts';
import type { Numbers } from './convention.ts';
import { imageHints, imageOfKey, imageOfValue, type Counted } from './image-hint.ts';
import { halfWidth, type LooseValue } from './loose-json.ts';

export interface FoundBox {
  /** Two corners, x before y; or in the order of the list, where nothing says what it is. */
  readonly numbers: Numbers;
  readonly form: 'object' | 'list';
  /** From 0, −1 the last; null: unsaid. */
  readonly image: number | null;
  /** The number as it is written, and under what name. */
  readonly counted?: Counted;
  /** A picture named by something else than a number: a file. */
  readonly named?: string;
  readonly label?: string;
  /** The keys name the sides: two corners, whatever the file's lists are. */
  readonly corners?: true;
  /** What the key states: thousandths. */
  readonly space?: 'thousand';
  /** The key is one whose lists have x first. */
  readonly ordered?: true;
  readonly place: { readonly start: number; readonly end: number };
  /** Its numbers in the order in which they stand, each with its place. */
  readonly slots: readonly Slot[];
}

export type Side = 'x1' | 'y1' | 'x2' | 'y2' | 'w' | 'h' | 'cx' | 'cy';
export interface Slot {
  readonly side: Side;
  readonly start: number;
  readonly end: number;
}

/** Something that is meant as a place in a picture and is no box. */
export interface Misfit {
  readonly kind: 'quadrilateral' | 'rotated box' | 'point' | 'box beyond its space';
  readonly start: number;
  readonly end: number;
}

const KEY_MARKS = /[\s_-]/g;
const NUMBER_IN_QUOTES = /^\s?[-+]?\d{1,30}(?:\.\d{0,30})?\s?$/;
const LABEL_COLON = /^\s?[:：\-–—]\s?/;
const TWO_DIGITS = /^\d{1,2}$/;

const names = (list: string) => new Set(list.split(' '));
/** Compared without case, spaces, `_` and `-`. */
const plainKey = (key: string): string => key.toLowerCase().replace(KEY_MARKS, '');

const BOX = names(
  'bbox2d bbox bboxes bbox2ds box boxes boundingbox boundingboxes bndbox rect rectangle coordinates coordinate coord coords location locations position region regions xyxy',
);
/** Qwen's (its cookbook, “spatial understanding”), and one that says it: [x1, y1, x2, y2]. */
const X_FIRST = names('bbox2d bbox2ds xyxy');
/** Gemini's (ai.google.dev, “Image understanding”): [ymin, xmin, ymax, xmax], 0–1000. */
const Y_FIRST = names('box2d boxes2d');
const POINTS = names('point2d point points polygon polygons quad quadrilateral poly segmentation vertices keypoints');
const LABEL = [
  'label',
  'name',
  'ref',
  'class',
  'classname',
  'category',
  'categoryname',
  'object',
  'phrase',
  'textcontent',
  'text',
];
const LABELS = names('labels names refs classes categories classnames objects phrases texts category class label name');
/** Numbers under these are none of a box. */
const OTHER = names(
  'size imagesize width height shape resolution color colour rgb rgba score scores confidence confidences conf time timestamp id ids',
);
/** What says nothing of what is in the box. */
const STRUCTURE = names(
  'objects object detections detection results result answer answers prediction predictions items data annotations annotation geometry output outputs shapes elements targets target instances grounding solution finalanswer',
);

type Sides = readonly [Side, Side, Side, Side];
/** Objects with a key for every number. */
const SIDES: readonly (readonly [Sides, readonly (readonly string[])[]])[] = [
  [
    ['x1', 'y1', 'x2', 'y2'],
    [
      ['x1', 'y1', 'x2', 'y2'],
      ['xmin', 'ymin', 'xmax', 'ymax'],
      ['left', 'top', 'right', 'bottom'],
      ['x0', 'y0', 'x1', 'y1'],
    ],
  ],
  [
    ['cx', 'cy', 'w', 'h'],
    [
      ['cx', 'cy', 'w', 'h'],
      ['cx', 'cy', 'width', 'height'],
      ['xcenter', 'ycenter', 'width', 'height'],
      ['centerx', 'centery', 'width', 'height'],
    ],
  ],
  [
    ['x1', 'y1', 'w', 'h'],
    [
      ['x', 'y', 'width', 'height'],
      ['x', 'y', 'w', 'h'],
      ['left', 'top', 'width', 'height'],
    ],
  ],
];

/** What turns a box about its middle. */
const ANGLES = names('angle rotation rotationangle theta');

const XYXY: Sides = ['x1', 'y1', 'x2', 'y2'];
const YXYX: Sides = ['y1', 'x1', 'y2', 'x2'];
const RISING: Sides = ['x1', 'y2', 'x2', 'y1'];

/** Whether a key gives a box's angle. */
export const isAngleKey = (key: string): boolean => ANGLES.has(plainKey(key));

/** Objects with a key for each of two corners, and the sides that those have. */
const CORNER_KEYS: readonly (readonly [string, string, Sides])[] = [
  ['topleft', 'bottomright', XYXY],
  ['lefttop', 'rightbottom', XYXY],
  ['upperleft', 'lowerright', XYXY],
  ['tl', 'br', XYXY],
  ['min', 'max', XYXY],
  ['p1', 'p2', XYXY],
  ['pt1', 'pt2', XYXY],
  ['start', 'end', XYXY],
  ['bottomleft', 'topright', RISING],
  ['leftbottom', 'righttop', RISING],
  ['lowerleft', 'upperright', RISING],
  ['bl', 'tr', RISING],
];

interface Around {
  readonly image: number | null;
  readonly counted?: Counted;
  readonly named?: string;
  readonly label?: string;
}

interface Number4 {
  readonly value: number;
  readonly start: number;
  readonly end: number;
}

/** A number, also one in quotes. */
function numberOf(value: LooseValue | undefined): Number4 | null {
  if (value?.kind === 'number') return value;
  const text = value?.kind === 'string' ? halfWidth(value.text) : '';
  if (value?.kind !== 'string' || !NUMBER_IN_QUOTES.test(text)) return null;
  return { value: Number.parseFloat(text), start: value.start + 1, end: value.end - 1 };
}

const numbersOf = (items: readonly LooseValue[]): Number4[] | null => {
  const numbers: Number4[] = [];
  for (const item of items) {
    const number = numberOf(item);
    if (!number || !Number.isFinite(number.value)) return null;
    numbers.push(number);
  }
  return numbers;
};

const isPoint = (value: LooseValue): boolean =>
  value.kind === 'list' && value.items.length === 2 && numbersOf(value.items) !== null;

/** Corners from numbers of these sides. */
function cornersOf(sides: Sides, values: readonly number[]): Numbers {
  const of = (side: Side) => values[sides.indexOf(side)]!;
  if (sides.includes('cx'))
    return [of('cx') - of('w') / 2, of('cy') - of('h') / 2, of('cx') + of('w') / 2, of('cy') + of('h') / 2];
  if (sides.includes('w')) return [of('x1'), of('y1'), of('x1') + of('w'), of('y1') + of('h')];
  return [of('x1'), of('y1'), of('x2'), of('y2')];
}

const SIDE_KEYS = new Set([
  ...SIDES.flatMap(([, spellings]) => spellings.flat()),
  ...CORNER_KEYS.flatMap(([a, b]) => [a, b]),
  'x',
  'y',
]);

/** Whether a key of JSON says something of a box that is read: where it is, what is in it, in which picture it lies. */
export function saysOfBox(key: string): boolean {
  const plain = plainKey(key);
  return (
    BOX.has(plain) ||
    Y_FIRST.has(plain) ||
    LABEL.includes(plain) ||
    LABELS.has(plain) ||
    STRUCTURE.has(plain) ||
    SIDE_KEYS.has(plain) ||
    imageOfKey(key, 1) !== null ||
    imageOfValue(key) !== null ||
    ANGLES.has(plain) ||
    TWO_DIGITS.test(key) ||
    isPictureName(key)
  );
}

const MAX_DEPTH = 12;

export class BoxWalk {
  readonly found: FoundBox[] = [];
  readonly misfits: Misfit[] = [];
  /** Lists whose keys say that they are no box. */
  readonly others: { readonly start: number; readonly end: number }[] = [];
  readonly #inString: (value: LooseValue & { readonly kind: 'string' }) => LooseValue | null;

  /** `inString`: the list that a text in quotes is, with its places; null if it is none. */
  constructor(inString: (value: LooseValue & { readonly kind: 'string' }) => LooseValue | null) {
    this.#inString = inString;
  }

  walk(value: LooseValue, around: Around = { image: null }, key: string | null = null, depth = 0): void {
    if (depth > MAX_DEPTH) return;
    if (value.kind === 'object') this.#object(value, around, depth);
    else if (value.kind === 'list') this.#list(value, around, key, depth);
    else if (value.kind === 'string' && key !== null && (BOX.has(key) || Y_FIRST.has(key))) {
      const inner = this.#inString(value);
      if (inner) this.walk(inner, around, key, depth + 1);
    }
  }

  #list(value: LooseValue & { readonly kind: 'list' }, around: Around, key: string | null, depth: number): void {
    const { items } = value;
    const numbers = numbersOf(items);
    const flat = numbers ?? (items.length === 2 && items.every(isPoint) ? numbersOf(items.flatMap(itemsOf)) : null);
    const isBoxKey = key !== null && (BOX.has(key) || Y_FIRST.has(key));
    if (flat?.length === 4)
      return this.#box(value, flat, key !== null && Y_FIRST.has(key) ? YXYX : XYXY, around, isBoxKey, key);
    const misfit = (kind: Misfit['kind']) => void this.misfits.push({ kind, start: value.start, end: value.end });
    if (isBoxKey && numbers?.length === 8) return misfit('quadrilateral');
    if (isBoxKey && numbers?.length === 5) return misfit('rotated box');
    if (isBoxKey && numbers?.length === 2) return misfit('point');
    if (isBoxKey && items.length > 2 && items.every(isPoint)) return misfit('quadrilateral');
    // More than two points are no two corners, nor boxes one after the other.
    if (items.length > 2 && items.every(isPoint)) this.others.push({ start: value.start, end: value.end });
    else if (!numbers) for (const item of items) this.walk(item, around, key, depth + 1);
  }

  #box(
    { start, end }: { readonly start: number; readonly end: number },
    numbers: readonly Number4[],
    sides: Sides,
    { image, counted, named, label }: Around,
    inObject: boolean,
    key: string | null,
  ): void {
    const declared = key !== null && Y_FIRST.has(key);
    const values = numbers.map(({ value }) => value);
    if (declared && values.some((v) => v > 1000))
      return void this.misfits.push({ kind: 'box beyond its space', start, end });
    this.found.push({
      numbers: cornersOf(sides, values),
      ...(sides !== XYXY && { corners: true as const }),
      form: inObject ? 'object' : 'list',
      image,
      ...(counted && { counted }),
      ...(named !== undefined && { named }),
      ...(label !== undefined && { label }),
      ...(declared && { space: 'thousand' as const }),
      ...(key !== null && X_FIRST.has(key) && { ordered: true as const }),
      place: { start, end },
      slots: numbers.map((number, i) => ({ side: sides[i]!, start: number.start, end: number.end })),
    });
  }

  #object(value: LooseValue & { readonly kind: 'object' }, inherited: Around, depth: number): void {
    const fields = value.fields.map((field) => ({ ...field, plain: plainKey(field.key) }));
    const around = aroundOf(fields, inherited);
    const turned = fields.some(({ plain, value: own }) => ANGLES.has(plain) && (numberOf(own)?.value ?? 0) !== 0);
    if (turned && fields.some(({ plain }) => BOX.has(plain) || SIDE_KEYS.has(plain)))
      return void this.misfits.push({ kind: 'rotated box', start: value.start, end: value.end });
    const sides = sidesOf(fields) ?? twoCorners(fields);
    if (sides) return this.#box(value, sides.numbers, sides.sides, around, true, null);
    const boxes = fields.filter(({ plain }) => BOX.has(plain) || Y_FIRST.has(plain));
    const before = this.found.length + this.misfits.length;
    for (const { plain, value: own } of boxes) {
      const labels = own.kind === 'list' ? parallelLabels(fields, own) : null;
      if (labels === null) this.walk(own, around, plain, depth + 1);
      else
        for (const [i, item] of itemsOf(own).entries())
          this.walk(item, { ...around, label: labels[i]! }, plain, depth + 1);
      if (this.found.length + this.misfits.length > before) break; // `bbox` and `boxes` say the same twice
    }
    if (this.found.length + this.misfits.length > before) return;
    for (const { key, plain, value: own } of fields) {
      if (POINTS.has(plain)) this.#points(own);
      else if (OTHER.has(plain)) this.others.push({ start: own.start, end: own.end });
      else if (own.kind === 'list' || own.kind === 'object')
        this.walk(own, underKey(key, plain, around), null, depth + 1);
    }
    if (this.found.length + this.misfits.length === before && pointOf(value))
      this.misfits.push({ kind: 'point', start: value.start, end: value.end });
  }

  /** Points are no box; four of them, or more, are an outline. */
  #points(value: LooseValue): void {
    if (value.kind !== 'list') return;
    const { start, end, items } = value;
    const numbers = numbersOf(items);
    const kind = numbers
      ? numbers.length >= 6
        ? 'quadrilateral'
        : numbers.length >= 2
          ? 'point'
          : null
      : items.every(isPoint)
        ? items.length > 2
          ? 'quadrilateral'
          : 'point'
        : null;
    if (kind && items.length > 0) this.misfits.push({ kind, start, end });
    else if (!numbers) for (const item of items) this.#points(item);
  }
}

const itemsOf = (value: LooseValue): readonly LooseValue[] => (value.kind === 'list' ? value.items : []);

interface Field {
  readonly key: string;
  readonly plain: string;
  readonly value: LooseValue;
}

function sidesOf(fields: readonly Field[]): { readonly sides: Sides; readonly numbers: readonly Number4[] } | null {
  for (const [sides, spellings] of SIDES)
    for (const keys of spellings) {
      const own = fields.filter(({ plain }) => keys.includes(plain));
      const numbers = own.length === 4 ? numbersOf(own.map(({ value }) => value)) : null;
      if (numbers) return { sides: own.map(({ plain }) => sides[keys.indexOf(plain)]!) as unknown as Sides, numbers };
    }
  return null;
}

/** Two numbers of a point, as a list or under x and y. */
function pointOf(value: LooseValue | undefined): readonly Number4[] | null {
  if (value?.kind === 'list') return value.items.length === 2 ? numbersOf(value.items) : null;
  if (value?.kind !== 'object') return null;
  const of = (side: string) => numberOf(value.fields.find(({ key }) => plainKey(key) === side)?.value);
  const [x, y] = [of('x'), of('y')];
  return x && y ? [x, y] : null;
}

function twoCorners(fields: readonly Field[]): { readonly sides: Sides; readonly numbers: readonly Number4[] } | null {
  for (const [one, other, sides] of CORNER_KEYS) {
    const [first, second] = [one, other].map((key) => pointOf(fields.find(({ plain }) => plain === key)?.value));
    if (first && second) return { sides, numbers: [...first, ...second] };
  }
  return null;
}

/** What an object says of its boxes: picture and label. */
function aroundOf(fields: readonly Field[], inherited: Around): Around {
  let around = inherited;
  for (const { key, value } of fields) {
    if (value.kind !== 'number' && value.kind !== 'string') continue;
    const stated = imageOfKey(key, value.kind === 'number' ? value.value : value.text);
    if (!stated) continue;
    around = { ...around, ...stated };
    break;
  }
  for (const wanted of LABEL) {
    const field = fields.find(({ plain, value }) => plain === wanted && value.kind === 'string');
    if (field?.value.kind === 'string') return labelled(around, field.value.text);
  }
  return around;
}

/** “Image-2: dog” as a label names a picture and a dog. */
function labelled(around: Around, text: string): Around {
  const [hint] = imageHints(text.slice(0, 60));
  const rest = hint?.start === 0 ? LABEL_COLON.exec(text.slice(hint.end)) : null;
  if (!hint || !rest) return { ...around, label: text };
  return {
    ...around,
    image: hint.image,
    ...(hint.counted && { counted: hint.counted }),
    label: text.slice(hint.end + rest[0].length),
  };
}

function parallelLabels(fields: readonly Field[], boxes: LooseValue & { readonly kind: 'list' }): string[] | null {
  if (numbersOf(boxes.items)) return null;
  for (const { plain, value } of fields) {
    if (!LABELS.has(plain) || value.kind !== 'list' || value.items.length !== boxes.items.length) continue;
    const texts = value.items.flatMap((item) => (item.kind === 'string' ? [item.text] : []));
    if (texts.length === boxes.items.length) return texts;
  }
  return null;
}

/** Boxes under a key of one's own: a picture (`image_2`), or what is in them (`cup`). */
function underKey(key: string, plain: string, around: Around): Around {
  const picture = imageOfValue(key);
  if (picture !== null) return { ...around, ...picture };
  // A number of its own may count pictures, from 0 or 1: the file shows it, or it is asked.
  if (TWO_DIGITS.test(key)) return { ...around, counted: { value: Number(key), by: '"numberid"' } };
  if (isPictureName(key)) return { ...around, named: key };
  return STRUCTURE.has(plain) || around.label !== undefined ? around : { ...around, label: key };
}

/** What is looked for, for readers in other languages (jobs/rewards). */
export const BOX_WORDS = {
  keyMarks: KEY_MARKS,
  numberInQuotes: NUMBER_IN_QUOTES,
  labelColon: LABEL_COLON,
  twoDigits: TWO_DIGITS,
  box: [...BOX],
  yFirst: [...Y_FIRST],
  points: [...POINTS],
  label: LABEL,
  labels: [...LABELS],
  other: [...OTHER],
  angles: [...ANGLES],
  sideKeys: [...SIDE_KEYS],
  sides: SIDES,
  corners: CORNER_KEYS,
} as const;
