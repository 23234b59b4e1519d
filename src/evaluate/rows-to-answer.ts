/** The rows that an evaluation answers: all rows of benchmarks, else held-out rows whose right answer is known; of these a draw. */
import { Random } from '../base/random.ts';
import type { Row } from '../data/row.ts';
import { span, type RowList } from '../data/row-list.ts';
import { wantedOf } from '../data/wanted.ts';
import { benchmarkOfRow } from './strict.ts';

/** Rows read at a time: a benchmark of thousands is never in memory for its names alone. */
const PAGE = 256;

/** Tokens of an answer to a row that is of no benchmark. */
export const OWN_TOKENS = 256;

/** The longest answer to a row: what was chosen, or else what its benchmark allows. */
export const longestAnswer = (row: Row, chosen: number | null): number =>
  chosen ?? benchmarkOfRow(row)?.protocol.answerTokens ?? OWN_TOKENS;

/** Rows page by page, in the order of the files. */
export async function* pagesOf(list: RowList): AsyncGenerator<readonly Row[]> {
  for (let offset = 0; offset < list.length; offset += PAGE) yield list.read(span(list, offset, offset + PAGE));
}

/**
 * What is kept of each row that is answered, in the order of the files. `limit` 0: all. The same seed draws the same rows.
 */
export async function rowsToAnswer<T>(
  pages: AsyncIterable<readonly Row[]>,
  limit: number,
  seed: number,
  keep: (row: Row) => T,
): Promise<T[]> {
  const [benchmark, own]: [T[], T[]] = [[], []];
  for await (const rows of pages)
    for (const row of rows) {
      if (row.benchmark) benchmark.push(keep(row));
      else if (wantedOf(row)) own.push(keep(row));
    }
  const rows = benchmark.length ? benchmark : own;
  return drawRows(rows, limit, seed);
}

/** Of rows that may be answered, a draw in their order. `limit` 0: all. */
export function drawRows<T>(rows: T[], limit: number, seed: number): T[] {
  if (limit === 0 || limit >= rows.length) return rows;
  const drawn = new Set(new Random(seed).shuffle(rows.map((_, i) => i)).slice(0, limit));
  return rows.filter((_, i) => drawn.has(i));
}
