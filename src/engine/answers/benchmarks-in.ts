/** Which benchmarks the held-out rows of a dataset are of, and how the published script asks each. */
import type { Benchmark } from '../../benchmarks/index.ts';
import type { Dataset } from '../../data/dataset.ts';
import { wantedOf } from '../../data/wanted.ts';
import { HELD_OUT_ROWS } from '../../evaluate/benchmark-scores.ts';
import { OWN_TOKENS, pagesOf } from '../../evaluate/rows-to-answer.ts';
import { benchmarkOfRow } from '../../evaluate/strict.ts';
import type { BenchmarkAbout } from '../protocol/scores.ts';

interface Found {
  readonly tasks: Record<string, number>;
  prompt: string | null;
}

/** Rows of no benchmark count only where there are no others, as `rowsToAnswer` has it. */
export async function benchmarksIn(dataset: Dataset): Promise<BenchmarkAbout[]> {
  const found = new Map<Benchmark | null, Found>();
  for await (const rows of pagesOf(dataset.rows('heldout')))
    for (const row of rows) {
      const benchmark = benchmarkOfRow(row);
      if (!benchmark && !wantedOf(row)) continue;
      let mine = found.get(benchmark);
      if (!mine) found.set(benchmark, (mine = { tasks: {}, prompt: row.benchmark?.prompt ?? null }));
      mine.tasks[row.task] = (mine.tasks[row.task] ?? 0) + 1;
    }
  if (found.size > 1) found.delete(null);
  return [...found].map(([benchmark, { tasks, prompt }]) => aboutOf(benchmark, tasks, prompt));
}

function aboutOf(
  benchmark: Benchmark | null,
  tasks: Readonly<Record<string, number>>,
  prompt: string | null,
): BenchmarkAbout {
  const rows = Object.values(tasks).reduce((sum, n) => sum + n, 0);
  if (!benchmark)
    return {
      name: null,
      title: HELD_OUT_ROWS,
      files: '',
      tasks,
      rows,
      complete: null,
      prompt,
      pictures: {},
      answerTokens: OWN_TOKENS,
      source: '',
    };
  const { name, title, files, protocol, questions } = benchmark;
  return {
    name,
    title,
    files,
    tasks,
    rows,
    complete: questions && Object.entries(questions).every(([task, n]) => tasks[task] === n),
    prompt,
    pictures: protocol.pictures,
    answerTokens: protocol.answerTokens,
    source: protocol.source,
  };
}
