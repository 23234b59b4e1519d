/**
 * Finds boxes written in text, in any of the field's forms, without deciding their space:
 *
 *     {"image": 2, "bbox_2d": [12, 30, 55, 80]}      fenced or bare JSON, lists of it, other keys (see BOX_KEYS)
 *     <|box_start|>(12,30),(55,80)<|box_end|>        with or without tokens, ref labels, <box> tags
 *     [12, 30, 55, 80]   (12, 30, 55, 80)   <box>12 30 55 80</box>
 *
 * Linear in the text's length: brackets are matched in one pass, no regular expression has nested or adjacent
 * unbounded repetition. Never throws.
 */
import type { Numbers } from './convention.ts';
import { imageOfValue } from './image-hint.ts';

export interface Quad {
  /** Where it stands in the text, tokens, fence and label included. Quads of one JSON value share a place. */
  readonly start: number;
  readonly end: number;
  readonly numbers: Numbers;
  /** `object`: a JSON object with a box key. */
  readonly form: 'object' | 'pairs' | 'list';
  /** Picture stated inside the form itself, from 0; −1 is the last. */
  readonly image: number | null;
  readonly label?: string;
  /** Written with a decimal point. */
  readonly decimal: boolean;
}

const BOX_KEYS = ['bbox_2d', 'bbox', 'box', 'box_2d', 'coordinates', 'coord', 'location', 'position', 'Position'];
const IMAGE_KEYS = ['image', 'image_index', 'image_number', 'img', 'Image'];
const LABEL_KEYS = ['label', 'name', 'ref'];
const MAX_DEPTH = 6;
/** A runaway answer may repeat itself for ever; nobody scores the thousand-and-first box. */
const MAX_QUADS = 1000;

const N = String.raw`\s*(-?\d+(?:\.\d+)?)\s*`;
const PAIRS = new RegExp(
  String.raw`(?:<\|box_start\|>|<box>)?\(${N},${N}\)\s{0,4},?\s{0,4}\(${N},${N}\)(?:<\|box_end\|>|<\|box_start\|>|</box>)?`,
  'g',
);
const LIST = new RegExp(String.raw`(?:<\|box_start\|>)?[\[(]${N},${N},${N},${N}[\])](?:<\|box_end\|>)?`, 'g');
const TAGGED = /<box>\s*(-?\d+(?:\.\d+)?)\s(-?\d+(?:\.\d+)?)\s(-?\d+(?:\.\d+)?)\s(-?\d+(?:\.\d+)?)\s*<\/box>/g;

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Outermost {…} and […] of a text, in one pass; quotes count only inside. */
function bracketSpans(text: string): Span[] {
  const spans: Span[] = [];
  const open: string[] = [];
  let start = 0;
  let quotesFrom = 0; // before it, a quote is known to have no partner on its line
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"' && open.length && i >= quotesFrom) {
      let j = i + 1;
      while (j < text.length && text[j] !== '"' && text[j] !== '\n') j += text[j] === '\\' ? 2 : 1;
      if (text[j] === '"') i = j;
      else quotesFrom = j;
    } else if (c === '{' || c === '[') {
      if (!open.length) start = i;
      open.push(c === '{' ? '}' : ']');
    } else if ((c === '}' || c === ']') && open.length) {
      if (open.pop() !== c) open.length = 0;
      else if (!open.length) spans.push({ start, end: i + 1 });
    }
  }
  return spans;
}

type Found = Pick<Quad, 'numbers' | 'form' | 'image' | 'label'>;

const isQuad = (value: unknown): value is Numbers =>
  Array.isArray(value) && value.length === 4 && value.every((v) => Number.isFinite(v));

/** [x1, y1, x2, y2] or [[x1, y1], [x2, y2]]. */
function quadOf(value: unknown): Numbers | null {
  if (isQuad(value)) return value;
  if (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((corner) => Array.isArray(corner) && corner.length === 2)
  ) {
    const flat: unknown = value.flat();
    if (isQuad(flat)) return flat;
  }
  return null;
}

/** Boxes of a JSON value in order; objects pass their picture and label on to what they contain. */
function walk(
  value: unknown,
  inherited: Pick<Quad, 'image' | 'label'>,
  inObject: boolean,
  depth: number,
  found: Found[],
): void {
  const numbers = quadOf(value);
  if (numbers) {
    found.push({ numbers, form: inObject ? 'object' : 'list', ...inherited });
  } else if (Array.isArray(value)) {
    if (depth < MAX_DEPTH) for (const item of value) walk(item, inherited, inObject, depth + 1, found);
  } else if (typeof value === 'object' && value !== null && depth < MAX_DEPTH) {
    const fields = value as Record<string, unknown>;
    const pick = (keys: string[]) => keys.find((key) => Object.hasOwn(fields, key));
    const [imageKey, labelKey] = [pick(IMAGE_KEYS), pick(LABEL_KEYS)];
    const label = labelKey === undefined ? undefined : fields[labelKey];
    const own = {
      image: (imageKey === undefined ? null : imageOfValue(fields[imageKey])) ?? inherited.image,
      ...(typeof label === 'string' ? { label } : inherited.label === undefined ? {} : { label: inherited.label }),
    };
    const boxKey = pick(BOX_KEYS);
    if (boxKey !== undefined) walk(fields[boxKey], own, true, depth + 1, found);
    else
      for (const item of Object.values(fields)) if (typeof item === 'object') walk(item, own, false, depth + 1, found);
  }
}

function jsonQuads(text: string, { start, end }: Span): Quad[] {
  const body = text.slice(start, end);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return []; // single quotes, trailing commas: the patterns below still find the numbers
  }
  const found: Found[] = [];
  walk(value, { image: null }, false, 0, found);
  // The fence belongs to the form.
  const before = /```(?:json)?[ \t]*\n?$/.exec(text.slice(Math.max(0, start - 12), start));
  const after = before ? /^\n?```/.exec(text.slice(end, end + 4)) : null;
  const place = before && after ? { start: start - before[0].length, end: end + after[0].length } : { start, end };
  const decimal = body.includes('.');
  return found.map((quad) => ({ ...place, ...quad, decimal }));
}

/** `<|object_ref_start|>label<|object_ref_end|>` directly before a box is its label. */
function withLabel(text: string, quad: Quad): Quad {
  const before = text.slice(Math.max(0, quad.start - 400), quad.start);
  const match = /<\|object_ref_start\|>([^<]*)<\|object_ref_end\|>$/.exec(before);
  return match ? { ...quad, start: quad.start - match[0].length, label: match[1]! } : quad;
}

/** The boxes of a text in reading order, at most MAX_QUADS. */
export function findQuads(text: string): Quad[] {
  const quads: Quad[] = [];
  const taken: Span[] = [];
  for (const span of bracketSpans(text)) {
    const mine = jsonQuads(text, span);
    quads.push(...mine);
    if (mine.length) taken.push(mine[0]!);
  }
  for (const [pattern, form] of [
    [PAIRS, 'pairs'],
    [TAGGED, 'pairs'],
    [LIST, 'list'],
  ] as const) {
    let next = 0; // spans are in order: one walk along both lists
    const fresh: Span[] = [];
    for (const match of text.matchAll(pattern)) {
      const [start, end] = [match.index, match.index + match[0].length];
      while (next < taken.length && taken[next]!.end <= start) next++;
      if (next < taken.length && taken[next]!.start < end) continue;
      const numbers = match.slice(1, 5).map(Number) as unknown as Numbers;
      const quad = withLabel(text, { start, end, numbers, form, image: null, decimal: match[0].includes('.') });
      quads.push(quad);
      fresh.push(quad);
    }
    taken.push(...fresh);
    taken.sort((a, b) => a.start - b.start);
  }
  quads.sort((a, b) => a.start - b.start); // stable: quads of one JSON value keep their order
  return quads.slice(0, MAX_QUADS);
}
