/**
 * Where a model's answers go wrong: accuracy by the right box's size, by the number of pictures and by the place of the
 * right one; a threshold as a curve; whether its boxes are too large or small, and whether it prefers a place. Of rows
 * with one right box or more, judged as the strict reading judges.
 */
import { plural } from '../base/counts.ts';
import type { Box01 } from '../grounding/box.ts';
import { iou } from '../grounding/box.ts';
import type { ScoredRow } from './benchmark-scores.ts';
import type { Interval } from './bootstrap.ts';
import { wilsonInterval } from './interval.ts';
import { HIT } from './pairs.ts';
import { benchmarkOfRow } from './strict.ts';

/** A share of rows, with those rows. */
export interface Bin {
  readonly name: string;
  readonly n: number;
  readonly hits: number;
  /** 95 %, Wilson. */
  readonly interval: Interval;
  readonly rows: readonly string[];
}

export interface Place {
  readonly name: string;
  /** Rows whose first right box is in this picture, and answers whose first box is. */
  readonly right: number;
  readonly given: number;
}

export interface Traits {
  /** Rows with a right box. */
  readonly n: number;
  readonly curve: readonly { readonly threshold: number; readonly hits: number; readonly interval: Interval }[];
  readonly size: readonly Bin[];
  readonly pictures: readonly Bin[];
  readonly place: readonly Bin[];
  /** Of rows with several pictures. */
  readonly places: readonly Place[];
  /** Area of the answer's first box over that of the right one, in the right picture: quartiles; null of none. */
  readonly areaRatio: {
    readonly low: number;
    readonly middle: number;
    readonly high: number;
    readonly n: number;
  } | null;
}

/** 0.3, 0.35 … 0.9 */
export const CURVE: readonly number[] = Array.from({ length: 13 }, (_, i) => (30 + 5 * i) / 100);

/** Shares of the picture: COCO's small, medium and large at 640 × 480 are below 0.3 %, 3 %, and above. */
const SIZES: readonly { readonly name: string; readonly below: number }[] = [
  { name: 'below 1 %', below: 0.01 },
  { name: '1–5 %', below: 0.05 },
  { name: '5–20 %', below: 0.2 },
  { name: '20 % and more', below: Infinity },
];

const area = ([x1, y1, x2, y2]: Box01): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
const isHit = (scored: ScoredRow): boolean => scored.strict!.value >= HIT;

function bins(rows: readonly ScoredRow[], nameOf: (row: ScoredRow) => string, order?: readonly string[]): Bin[] {
  const groups = new Map<string, ScoredRow[]>((order ?? []).map((name) => [name, []]));
  for (const row of rows) {
    const mine = groups.get(nameOf(row));
    if (mine) mine.push(row);
    else groups.set(nameOf(row), [row]);
  }
  return [...groups]
    .filter(([, mine]) => mine.length > 0)
    .map(([name, mine]) => {
      const hits = mine.filter(isHit).length;
      return {
        name,
        n: mine.length,
        hits,
        interval: wilsonInterval(hits, mine.length),
        rows: mine.map(({ row }) => row.id),
      };
    });
}

function quartiles(values: readonly number[]): Traits['areaRatio'] {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
  return { low: at(0.25), middle: at(0.5), high: at(0.75), n: sorted.length };
}

export function traitsOf(scored: readonly ScoredRow[]): Traits {
  const rows = scored.filter(
    ({ row, strict }) => strict && row.solution.length > 0 && benchmarkOfRow(row)?.strict !== 'choice',
  );
  const byNumber = (a: ScoredRow, b: ScoredRow) => a.row.images.length - b.row.images.length;
  // Where the dataset does not say the picture there is no place to speak of.
  const several = rows.filter(({ row }) => row.images.length > 1 && !row.solution[0]!.imageGuessed);
  const most = Math.max(0, ...several.map(({ row }) => row.images.length));
  const placeName = (image: number) => `picture ${image + 1}`;
  const first = ({ prediction }: ScoredRow) => prediction.boxes?.[0] ?? null;
  const ratios = rows.flatMap((each) => {
    const [given, truth] = [first(each), each.row.solution[0]!];
    const same = given && (truth.imageGuessed || given.image === truth.image);
    return same && each.row.solution.length === 1 && area(truth.box) > 0 ? [area(given.box) / area(truth.box)] : [];
  });
  return {
    n: rows.length,
    curve: CURVE.map((threshold) => {
      const hits = rows.filter(({ strict }) => strict!.value >= threshold).length;
      return { threshold, hits, interval: wilsonInterval(hits, rows.length) };
    }),
    size: bins(
      rows,
      ({ row }) => SIZES.find(({ below }) => area(row.solution[0]!.box) < below)!.name,
      SIZES.map(({ name }) => name),
    ),
    pictures: bins([...rows].sort(byNumber), ({ row }) => plural(row.images.length, 'picture')),
    place: bins(
      several,
      ({ row }) => placeName(row.solution[0]!.image),
      Array.from({ length: most }, (_, image) => placeName(image)),
    ),
    places: Array.from({ length: most }, (_, image) => ({
      name: placeName(image),
      right: several.filter(({ row }) => row.solution[0]!.image === image).length,
      given: several.filter((each) => first(each)?.image === image).length,
    })),
    areaRatio: quartiles(ratios),
  };
}

/** Rows on which two models' first boxes are of one picture and overlap by half or more; right or wrong. */
export interface Agreement {
  readonly n: number;
  readonly same: number;
  readonly interval: Interval;
}

export function agreementOf(a: readonly ScoredRow[], b: readonly ScoredRow[]): Agreement | null {
  const known = new Map(a.map((each) => [each.row.id, each]));
  const pairs = b.flatMap((each) => {
    const other = known.get(each.row.id);
    const [mine, theirs] = [each.prediction.boxes?.[0], other?.prediction.boxes?.[0]];
    return other && each.prediction.boxes && other.prediction.boxes && each.row.solution.length > 0
      ? [mine !== undefined && theirs !== undefined && mine.image === theirs.image && iou(mine.box, theirs.box) >= HIT]
      : [];
  });
  const same = pairs.filter(Boolean).length;
  return pairs.length ? { n: pairs.length, same, interval: wilsonInterval(same, pairs.length) } : null;
}
