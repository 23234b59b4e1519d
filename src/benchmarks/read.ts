/** What readers of published rows share: typed fields, or a sentence about what is missing. */
import type { BenchmarkRow, Corners, Fields, Sign } from './benchmark.ts';

export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

export const texts = (value: unknown): readonly string[] | null =>
  Array.isArray(value) && value.length > 0 && value.every(isText) ? value : null;

export const four = (value: unknown): Corners | null =>
  Array.isArray(value) && value.length === 4 && value.every((n) => typeof n === 'number' && Number.isFinite(n))
    ? (value as unknown as Corners)
    : null;

/** x, y, width, height → corners. */
export const fromSides = ([x, y, width, height]: Corners): Corners => [x, y, x + width, y + height];

/** The numbers of a text, as `re.findall(r'\d+')` finds them. */
export const digitsOf = (text: string): number[] => [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits));

/** All keys are there. */
export const has = (value: Fields, ...keys: readonly string[]): boolean =>
  keys.every((key) => Object.hasOwn(value, key));

/** Of the keys, how many are there. */
export const countOf = (value: Fields, keys: readonly string[]): number =>
  keys.filter((key) => Object.hasOwn(value, key)).length;

/** By keys alone: certain with all of `whole`; likely with most of those that others do not have, two at least. */
export const signOf = (value: Fields, whole: readonly string[], own: readonly string[]): Sign | null =>
  has(value, ...whole) ? 'certain' : countOf(value, own) >= Math.max(2, 0.6 * own.length) ? 'likely' : null;

/** A row of one box in one of its pictures. */
export const oneBox = (
  row: Omit<BenchmarkRow, 'boxes' | 'answer'> & { readonly corners: Corners; readonly image: number },
): BenchmarkRow => {
  const { corners, image, ...rest } = row;
  return { ...rest, boxes: [{ corners, image }], answer: '<bbox>' };
};

/** A box as fractions of its picture. */
export const fractionsOf = (
  [x1, y1, x2, y2]: Corners,
  space: BenchmarkRow['space'],
  { width, height }: { readonly width: number; readonly height: number },
): Corners => {
  if (space === 'fraction') return [x1, y1, x2, y2];
  const [w, h] = space === 'thousand' ? [1000, 1000] : [width, height];
  return [x1 / w, y1 / h, x2 / w, y2 / h];
};

/**
 * Four numbers with blanks or commas between them, as `(-?\d+(?:\.\d+)?)[\s,]+…` finds them in the scripts of ODinW and
 * GroundingME. A match that began within a run of digits would end as one from its first digit does, so none begins there:
 * a long run of digits costs its length, not the square of it.
 */
const FOUR = /((?:-|(?<!\d))\d+(?:\.\d+)?)[\s,]+(-?\d+(?:\.\d+)?)[\s,]+(-?\d+(?:\.\d+)?)[\s,]+(-?\d+(?:\.\d+)?)/g;

export const foursIn = (text: string): Corners[] =>
  [...text.matchAll(FOUR)].map((match) => match.slice(1, 5).map(Number) as unknown as Corners);
