/** The rows that `npm run evaluate` answers, read through the session page by page, and what of them is asked together. */
import type { DatasetReport, Row } from '../engine/protocol/index.ts';
import type { EngineSession } from '../engine/session.ts';
import type { Answers } from '../evaluate/prediction.ts';
import { longestAnswer, rowsToAnswer as draw } from '../evaluate/rows-to-answer.ts';

const PAGE = 256;

/** In the order of the files. `limit` 0: all. The same seed draws the same rows. */
export async function rowsToAnswer(
  session: EngineSession,
  dataset: DatasetReport,
  limit: number,
  seed: number,
): Promise<Row[]> {
  async function* pages() {
    for (let offset = 0; offset < dataset.heldout; offset += PAGE) {
      const page = { type: 'rows', dataset: dataset.id, split: 'heldout', offset, count: PAGE } as const;
      yield (await session.handle(page)).rows;
    }
  }
  return draw(pages(), limit, seed, (row) => row);
}

/** What is asked of the model at once. */
export interface Ask {
  readonly rowIds: readonly string[];
  /** The longest answer. */
  readonly tokens: number;
  /** Of samples: the number of the first one, how many, and the seed that they are drawn with. */
  readonly drawn?: { readonly first: number; readonly count: number; readonly seed: number };
}

export interface AskSettings {
  readonly seed: number;
  /** null: the longest that the row's benchmark allows. */
  readonly tokens: number | null;
  /** Answers decoded together. */
  readonly batch: number;
  /** Answers drawn for each row; null: the likeliest one. */
  readonly samples: number | null;
}

/**
 * What is not answered yet. Rows with the same longest answer are asked together, or samples of one row, as these share
 * its prompt. The seed of a sample depends on its row, its number and the batch, so an interrupted evaluation continues
 * with the same draws.
 */
export function asksOf(rows: readonly Row[], answers: Answers, settings: AskSettings): Ask[] {
  const { seed, batch, samples } = settings;
  const longest = (row: Row) => longestAnswer(row, settings.tokens);
  if (samples === null) {
    const asks: { rowIds: string[]; tokens: number }[] = [];
    for (const row of rows.filter(({ id }) => !answers.has(id))) {
      const [last, tokens] = [asks.at(-1), longest(row)];
      if (last && last.tokens === tokens && last.rowIds.length < batch) last.rowIds.push(row.id);
      else asks.push({ rowIds: [row.id], tokens });
    }
    return asks;
  }
  return rows.flatMap((row, place) => {
    const known = new Set(answers.get(row.id)?.map(({ sample }) => sample));
    return Array.from({ length: Math.ceil(samples / batch) }, (_, i) => i * batch).flatMap((first): Ask[] => {
      const count = Math.min(batch, samples - first);
      const missing = Array.from({ length: count }, (_, i) => first + i).some((sample) => !known.has(sample));
      const drawn = { first, count, seed: seed + place * samples + first };
      return missing ? [{ rowIds: [row.id], tokens: longest(row), drawn }] : [];
    });
  });
}
