/** The rows that an evaluation answers: all rows of benchmarks, else held-out rows with a solution; of these a draw. */
import { Random } from '../base/random.ts';
import type { DatasetReport, Row } from '../engine/protocol/index.ts';
import type { EngineSession } from '../engine/session.ts';

const PAGE = 256;

/** In the order of the files. `limit` 0: all. The same seed draws the same rows. */
export async function rowsToAnswer(
  session: EngineSession,
  dataset: DatasetReport,
  limit: number,
  seed: number,
): Promise<Row[]> {
  const [benchmark, own]: [Row[], Row[]] = [[], []];
  for (let offset = 0; offset < dataset.heldout; offset += PAGE) {
    const page = { type: 'rows', dataset: dataset.id, split: 'heldout', offset, count: PAGE } as const;
    for (const row of (await session.handle(page)).rows) {
      if (row.benchmark) benchmark.push(row);
      else if (row.solution.length) own.push(row);
    }
  }
  const rows = benchmark.length ? benchmark : own;
  if (limit === 0 || limit >= rows.length) return rows;
  const drawn = new Set(new Random(seed).shuffle(rows.map((_, i) => i)).slice(0, limit));
  return rows.filter((_, i) => drawn.has(i));
}
