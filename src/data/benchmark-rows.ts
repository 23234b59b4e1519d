/** What a pass over all rows of a dataset shows of benchmarks in it: which files have some, how many, and what is in doubt. */
import { plural } from '../base/counts.ts';
import { FileOfBenchmark } from '../benchmarks/file-of-benchmark.ts';
import { benchmarkNamed, BENCHMARKS, type BenchmarkName } from '../benchmarks/index.ts';
import type { RawRow } from './raw-row.ts';
import type { Shelf } from './scan.ts';

/** Rows of a file that could be a benchmark's or the user's own. */
export interface Doubt {
  readonly file: string;
  readonly title: string;
  readonly rows: number;
}

interface Kept {
  /** Rows by title. */
  readonly barred: Map<string, number>;
  others: number;
  readonly asked: Map<BenchmarkName, number>;
}

export class BenchmarkRows {
  readonly #seen = new Map<string, FileOfBenchmark>();
  readonly #kept = new Map<string, Kept>();

  look(file: string, value: unknown): void {
    let seen = this.#seen.get(file);
    if (!seen) this.#seen.set(file, (seen = new FileOfBenchmark(file)));
    seen.add(value);
  }

  /** A row that is kept. */
  keep(raw: RawRow): void {
    const { file } = raw.source;
    let kept = this.#kept.get(file);
    if (!kept) this.#kept.set(file, (kept = { barred: new Map(), others: 0, asked: new Map() }));
    const name = raw.barred ?? raw.benchmark?.benchmark;
    if (name === undefined) return void kept.others++;
    const title = benchmarkNamed(name)?.title ?? name;
    kept.barred.set(title, (kept.barred.get(title) ?? 0) + 1);
    if (raw.asked) kept.asked.set(raw.barred!, (kept.asked.get(raw.barred!) ?? 0) + 1);
  }

  /** Writes what all rows show over what some did; whether that tells rows apart in another way. */
  learn({ benchmarks }: Pick<Shelf, 'benchmarks'>): boolean {
    let changed = false;
    for (const [file, seen] of this.#seen)
      if (benchmarks.get(file)?.key !== seen.key) {
        benchmarks.set(file, seen);
        changed = true;
      }
    return changed;
  }

  /** Also of rows of which none could be kept. */
  titles({ benchmarks }: Pick<Shelf, 'benchmarks'>): string[] {
    const kept = [...this.#kept.values()].flatMap(({ barred }) => [...barred.keys()]);
    const known = [...benchmarks.values()].flatMap((file) => file.sureNames.map((name) => BENCHMARKS[name].title));
    return [...new Set<string>([...kept, ...known])];
  }

  doubts(): Doubt[] {
    return [...this.#kept].flatMap(([file, { asked }]) =>
      asked.size === 0
        ? []
        : [
            {
              file,
              title: [...asked.keys()].map((name) => BENCHMARKS[name].title).join(' or '),
              rows: [...asked.values()].reduce((a, b) => a + b, 0),
            },
          ],
    );
  }

  /** Files in which rows of a benchmark lie among others. */
  notes(): string[] {
    return [...this.#kept].flatMap(([file, { barred, others }]) => {
      if (barred.size === 0 || others === 0) return [];
      const parts = [...barred].map(([title, rows]) => `${plural(rows, 'row')} of ${title}`);
      return [`${file} holds ${parts.join(' and ')}, held out, among ${plural(others, 'other row')}, read as usual.`];
    });
  }
}
