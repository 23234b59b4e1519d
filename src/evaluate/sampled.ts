/** Several answers a row, drawn: the mean over them and pass@k, per task with n and intervals, for a terminal. */
import type { Row } from '../data/row.ts';
import { benchmarkOfRow } from './strict.ts';
import { scoreRow } from './benchmark-scores.ts';
import { percent, textTable, within } from './benchmark-print.ts';
import { passAtK, wilsonInterval } from './interval.ts';
import { isHit } from './pairs.ts';
import type { Prediction } from './prediction.ts';

/** How answers were drawn. */
export interface Sampling {
  /** Answers a row. */
  readonly samples: number;
  readonly temperature: number;
}

/** Of one row: how many of its samples are hits. */
export interface SampledRow {
  readonly task: string;
  readonly hits: number;
}

/** k of pass@k for n samples: powers of two below n, and n. pass@1 is the mean. */
export function passes(n: number): number[] {
  const powers = Array.from({ length: Math.max(0, Math.ceil(Math.log2(n)) - 1) }, (_, i) => 2 ** (i + 1));
  return n > 1 ? [...powers, n] : [];
}

/**
 * The mean of pass@k over rows, 0–1, with a 95 % interval. The interval is Wilson's for a share of as many rows. A row's
 * value lies within 0–1, so it varies no more than a hit does, and the interval is never too narrow.
 */
export function meanPass(rows: readonly SampledRow[], samples: number, k: number) {
  const sum = rows.reduce((total, { hits }) => total + passAtK(samples, hits, k), 0);
  return { value: sum / rows.length, interval: wilsonInterval(sum, rows.length) };
}

function lines(title: string, rows: readonly SampledRow[], { samples }: Sampling): string[] {
  const ks = passes(samples);
  const tasks = [...new Set(rows.map(({ task }) => task))];
  const cells = (name: string, some: readonly SampledRow[]) => [
    name,
    `${some.length}`,
    ...[1, ...ks].map((k) => {
      const { value, interval } = meanPass(some, samples, k);
      return `${percent(value)} [${within(interval)}]`;
    }),
  ];
  return textTable([
    [title, 'n', `mean of ${samples}`, ...ks.map((k) => `pass@${k}`)],
    ...tasks.map((task) =>
      cells(
        task || '(none)',
        rows.filter((row) => row.task === task),
      ),
    ),
    cells('all rows', rows),
  ]);
}

/** The figures of every benchmark. Rows that lack some of their samples are left out, and counted. */
export function printSampled(
  rows: readonly Row[],
  answers: ReadonlyMap<string, readonly Prediction[]>,
  sampling: Sampling,
): string {
  const { samples, temperature } = sampling;
  const whole = rows.filter(({ id }) => (answers.get(id)?.length ?? 0) >= samples);
  const parts = [...new Set(whole.map(benchmarkOfRow))].map((benchmark) => {
    const scored = whole
      .filter((row) => benchmarkOfRow(row) === benchmark)
      .map((row) =>
        answers
          .get(row.id)!
          .slice(0, samples)
          .map((answer) => scoreRow(row, answer)),
      );
    const read = (reading: 'strict' | 'published') =>
      scored.every((each) => each.every((one) => one[reading] !== null))
        ? scored.map((each): SampledRow => ({
            task: each[0]!.row.task,
            hits: each.filter((one) => isHit(one[reading]!.value)).length,
          }))
        : null;
    const [strict, published] = [read('strict'), benchmark ? read('published') : null];
    return [
      `${benchmark?.title ?? 'held-out rows'}, ${samples} answers a row at temperature ${temperature}, hits in per cent, 95 % intervals in brackets`,
      ...(strict ? ['', ...lines('strict', strict, sampling)] : []),
      ...(published ? ['', ...lines('as published', published, sampling)] : []),
    ].join('\n');
  });
  if (whole.length < rows.length)
    parts.push(`${rows.length - whole.length} of ${rows.length} rows lack samples and are not counted.`);
  return `${parts.join('\n\n')}\n`;
}
