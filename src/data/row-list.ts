import type { Row } from './row.ts';

/** Rows in an order, none of them in memory: read a batch when it is its turn. */
export interface RowList {
  readonly length: number;
  id(i: number): string;
  /** Whether a correct answer is known as boxes. */
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
  hasSolution: (i) => list.hasSolution(places[i]!),
  pictures: (i) => list.pictures(places[i]!),
  read: (at) => list.read(at.map((i) => places[i]!)),
});

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
