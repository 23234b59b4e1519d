/** A report of one file: what it is made of, put together. The studio and the command line make theirs with it. */
import type { Health } from '../../data/health.ts';
import type { Row } from '../../data/row.ts';
import { wantedOf } from '../../data/wanted.ts';
import type { TableEntry } from '../../evaluate/benchmark-table.ts';
import { isHit } from '../../evaluate/pairs.ts';
import { readImageHeader } from '../../image/size.ts';
import type { DatasetReport } from '../protocol/dataset.ts';
import { GALLERIES, type GalleryKind } from '../protocol/report.ts';
import type { ToldEvent } from '../protocol/run.ts';
import type { Recipe } from '../protocol/words.ts';
import { curvesPart } from './curves.ts';
import { galleryPart, type Card, type Gallery, type ReportAnswer, type ReportPicture } from './gallery.ts';
import { page, type Section } from './page.ts';
import { benchmarkPart, dataPart, evaluationsPart, planPart, type ReportEvaluation } from './parts.ts';

export interface ReportContent {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, words: string])[];
  readonly recipe?: Recipe | null;
  readonly data?: { readonly report: DatasetReport; readonly health: Health | null } | null;
  readonly told?: readonly ToldEvent[];
  readonly evaluations?: readonly ReportEvaluation[];
  /** A list a benchmark: the same rows answered by different models. */
  readonly benchmarks?: readonly (readonly TableEntry[])[];
  readonly galleries?: readonly Gallery[];
}

export function reportPage(content: ReportContent): string {
  const { title, facts, recipe, data, told = [], evaluations = [], benchmarks = [], galleries = [] } = content;
  const curves = curvesPart(told);
  const sections: Section[] = [
    ...(recipe ? [{ title: 'Plan', body: planPart(recipe) }] : []),
    ...(data ? [{ title: 'Data', body: dataPart(data.report, data.health) }] : []),
    ...(curves ? [{ title: 'Curves', body: curves }] : []),
    ...(evaluations.length > 0 ? [{ title: 'Evaluations', body: evaluationsPart(evaluations) }] : []),
    ...benchmarks.map((entries) => ({ title: entries[0]!.scores.title, body: benchmarkPart(entries) })),
    ...galleries.map((gallery) => ({ title: gallery.title, body: galleryPart(gallery) })),
  ];
  return page(title, facts, sections);
}

/** A row's last answer, and its first where there are two. */
export interface GalleryItem {
  readonly rowId: string;
  readonly before: (ReportAnswer & { readonly value: number }) | null;
  readonly after: ReportAnswer & { readonly value: number };
}

const PICKS: Readonly<Record<GalleryKind, (items: readonly GalleryItem[]) => readonly GalleryItem[]>> = {
  worst: (items) => items.filter(({ after }) => !isHit(after.value)).toSorted((a, b) => a.after.value - b.after.value),
  best: (items) => items.filter(({ after }) => isHit(after.value)).toSorted((a, b) => b.after.value - a.after.value),
  gained: (items) => items.filter(({ before, after }) => before && !isHit(before.value) && isHit(after.value)),
  lost: (items) => items.filter(({ before, after }) => before && isHit(before.value) && !isHit(after.value)),
};

export interface GalleryWorld {
  readonly rows: number;
  /** null: it is not there any more. */
  row(id: string): Promise<Row | null>;
  /** A picture no larger than is looked at. Throws what reading throws. */
  picture(path: string, height: number): Promise<Blob>;
}

export async function galleriesOf(
  items: readonly GalleryItem[],
  kinds: readonly GalleryKind[],
  world: GalleryWorld,
): Promise<Gallery[]> {
  const galleries: Gallery[] = [];
  for (const kind of kinds) {
    const picked = PICKS[kind](items);
    const cards: Card[] = [];
    for (const item of picked.slice(0, world.rows)) {
      const row = await world.row(item.rowId);
      if (row) cards.push(await cardOf(row, item, world));
    }
    galleries.push({ title: GALLERIES[kind], cards, of: picked.length });
  }
  return galleries;
}

/** What an answer's value says of it: an overlap is a number, a letter or an absence is right or not. */
function verdict(row: Row, value: number): string {
  const kind = wantedOf(row)?.kind ?? 'boxes';
  if (kind === 'boxes') return `IoU ${value.toFixed(2)}`;
  const right = isHit(value);
  if (kind === 'choice') return right ? 'right letter' : 'wrong letter';
  return right ? 'rightly refused' : 'not refused';
}

async function cardOf(row: Row, { before, after }: GalleryItem, world: GalleryWorld): Promise<Card> {
  const pictures: ReportPicture[] = [];
  for (const path of row.images) pictures.push(await pictureOf(path, world));
  const answers = [...(before ? [before] : []), after].map(({ name, value, text, boxes }) => ({
    name: `${name}, ${verdict(row, value)}`,
    text,
    boxes,
  }));
  return {
    title: row.task ? `${row.id}, ${row.task}` : row.id,
    question: row.prompt
      .filter(({ role }) => role === 'user')
      .map(({ content }) =>
        content
          .map((part) =>
            part.type === 'text' ? part.text : part.type === 'image' ? `[image ${part.image + 1}]` : '[box]',
          )
          .join(''),
      )
      .join('\n'),
    pictures,
    truth: row.solution,
    answers,
  };
}

/** Device pixels. */
const PICTURE_HEIGHT = 256;
const NO_PICTURE: ReportPicture = { data: '', width: 160, height: 120 };

async function pictureOf(path: string, world: GalleryWorld): Promise<ReportPicture> {
  try {
    const blob = await world.picture(path, PICTURE_HEIGHT);
    const header = await readImageHeader(blob);
    if (!header) return NO_PICTURE;
    const { width, height } = header.size;
    return {
      data: `data:image/${header.format};base64,${base64(new Uint8Array(await blob.arrayBuffer()))}`,
      width,
      height,
    };
  } catch {
    return NO_PICTURE;
  }
}

/** In pieces: the platform takes only so many letters at a time. A piece is a multiple of three bytes. */
function base64(bytes: Uint8Array): string {
  const PIECE = 3 * 4096;
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE)));
  return text;
}
