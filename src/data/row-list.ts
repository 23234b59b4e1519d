/** Rows by number, read when they are wanted. */
import type { EditsFilter } from './edits/overlay.ts';
import type { FindingKey } from './health.ts';
import type { LedgerKey } from './ledger.ts';
import type { Row } from './row.ts';
import { wantedOf } from './wanted.ts';

export interface RowFilter {
  readonly task?: string;
  readonly finding?: FindingKey;
  /** Rows to which something of the ledger was done. */
  readonly done?: LedgerKey;
  /** Rows that a person has edited; those that were left out are found only so. */
  readonly edits?: EditsFilter;
  /** Anywhere in question, answer, thought or id; case does not matter. */
  readonly text?: string;
}

/** Rows in an order, none of them in memory: read a batch when it is its turn. */
export interface RowList {
  readonly length: number;
  id(i: number): string;
  /** As `Row.task`. */
  task(i: number): string;
  /** The file that it is from. */
  file(i: number): string;
  /** Whether a right answer is known: boxes, that nothing is there, or a letter (wanted.ts). */
  hasSolution(i: number): boolean;
  /** Numbers of its pictures; the same picture has the same number in all lists of a dataset. */
  pictures(i: number): readonly number[];
  /** Rows by place. Throws `dataset-changed` if a file is not what it was. */
  read(places: readonly number[]): Promise<Row[]>;
}

/** The rows of a list at these places, in their order. */
export const subset = (list: RowList, places: readonly number[]): RowList => ({
  length: places.length,
  id: (i) => list.id(places[i]!),
  task: (i) => list.task(places[i]!),
  file: (i) => list.file(places[i]!),
  hasSolution: (i) => list.hasSolution(places[i]!),
  pictures: (i) => list.pictures(places[i]!),
  read: (at) => list.read(at.map((i) => places[i]!)),
});

/**
 * A list with rows that were written since: those with an id of the list stand in that row's place, the others after it;
 * of several with one id the last counts.
 */
export function withWritten(list: RowList, written: readonly Row[]): RowList {
  if (written.length === 0) return list;
  const latest = new Map(written.map((row) => [row.id, row]));
  const ids = new Set(Array.from({ length: list.length }, (_, i) => list.id(i)));
  const added = [...latest.values()].filter(({ id }) => !ids.has(id));
  const at = (i: number): Row | undefined => (i < list.length ? latest.get(list.id(i)) : added[i - list.length]);
  return {
    length: list.length + added.length,
    id: (i) => (i < list.length ? list.id(i) : added[i - list.length]!.id),
    task: (i) => (i < list.length ? list.task(i) : added[i - list.length]!.task),
    file: (i) => (i < list.length ? list.file(i) : added[i - list.length]!.source.file),
    hasSolution: (i) => {
      const row = at(i);
      return row ? wantedOf(row) !== null : list.hasSolution(i);
    },
    // Rows are written about the dataset's pictures.
    pictures: (i) => (i < list.length ? list.pictures(i) : []),
    async read(places) {
      const own = places.filter((i) => at(i) === undefined);
      const read = new Map((await list.read(own)).map((row, k) => [own[k]!, row]));
      return places.map((i) => at(i) ?? read.get(i)!);
    },
  };
}

/** Places of the rows that pass a test. */
export const placesWhere = (list: RowList, test: (i: number) => boolean): number[] =>
  Array.from({ length: list.length }, (_, i) => i).filter(test);

/** Places `from` to `to`, as far as there are rows. */
export const span = (list: RowList, from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, Math.min(to, list.length) - from) }, (_, i) => from + i);

/** How many pictures the rows of some lists have, each counted once. */
export function countPictures(lists: readonly RowList[]): number {
  const pictures = new Set<number>();
  for (const list of lists)
    for (let i = 0; i < list.length; i++) for (const picture of list.pictures(i)) pictures.add(picture);
  return pictures.size;
}

/** At most `most` of the rows, evenly. */
export function spread(rows: RowList, most: number): Promise<Row[]> {
  const count = Math.min(most, rows.length);
  return rows.read(Array.from({ length: count }, (_, i) => Math.floor((i * rows.length) / count)));
}
