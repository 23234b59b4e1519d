/**
 * Which benchmarks the rows of a file are, whole or damaged. A benchmark is never trained on, so what a file shows in any
 * of its rows counts, not how many of them are sound: a row with the benchmark's marks makes the file its own, and then a
 * row with a part of them is one that was damaged. Rows without any are somebody's own, also in the same file. Where a
 * file of one's own might look the same, its user is asked.
 */
import { isObject } from '../base/json.ts';
import { BENCHMARK_NAMES, BENCHMARKS, type BenchmarkName } from './index.ts';
import { countOf } from './read.ts';
import type { Benchmark, Fields } from './benchmark.ts';

/**
 * How a row stands to a benchmark, the surest first. `part`: it has a key that others have not. `bare`: it has no key but
 * the benchmark's, and none of those that others have not.
 */
const STANDINGS = ['certain', 'likely', 'part', 'bare'] as const;
type Standing = (typeof STANDINGS)[number];

const marksOf = (name: BenchmarkName) => (BENCHMARKS[name] as Benchmark).marks;

function standingOf(name: BenchmarkName, value: Fields, file: string): Standing | null {
  const marks = marksOf(name);
  if (!marks) return null;
  const sign = marks.sign(value, file);
  if (sign) return sign;
  if (countOf(value, marks.own) > 0) return 'part';
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => marks.keys.includes(key)) ? 'bare' : null;
}

/** What a row of a file is. `asked`: it could as well be one of the user's own. */
export interface RowOfBenchmark {
  readonly name: BenchmarkName;
  readonly asked: boolean;
  /** It has none of the benchmark's marks, and may be read as rows of one's own are. */
  readonly bare: boolean;
}

interface Count {
  certain: number;
  likely: number;
  fits: number;
}

export class FileOfBenchmark {
  readonly #file: string;
  readonly #counts = new Map<BenchmarkName, Count>();
  /** Sorted when asked for. */
  #names: readonly BenchmarkName[] | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  add(value: unknown): void {
    if (!isObject(value)) return;
    this.#names = null;
    const signs = BENCHMARK_NAMES.flatMap((name) => {
      const sign = marksOf(name)?.sign(value, this.#file);
      return sign ? [{ name, sign }] : [];
    });
    const surest = signs.some(({ sign }) => sign === 'certain') ? 'certain' : 'likely';
    for (const { name, sign } of signs) {
      if (sign !== surest) continue;
      const count = this.#counts.get(name) ?? { certain: 0, likely: 0, fits: 0 };
      this.#counts.set(name, count);
      count[sign]++;
      if (marksOf(name)!.fits?.(value)) count.fits++;
    }
  }

  /** The benchmarks in it, those of which most rows are first; empty: it is none. */
  get names(): readonly BenchmarkName[] {
    const named = (name: BenchmarkName) => Number(marksOf(name)!.file?.test(this.#file) ?? false);
    this.#names ??= [...this.#counts]
      .sort(([x, a], [y, b]) => b.certain - a.certain || b.fits - a.fits || b.likely - a.likely || named(y) - named(x))
      .map(([name]) => name)
      // Of two with the same keys it is the one that more rows fit.
      .filter((name, i, all) => all.findIndex((other) => marksOf(other)!.keys === marksOf(name)!.keys) === i);
    return this.#names;
  }

  get sureNames(): readonly BenchmarkName[] {
    return this.names.filter((name) => this.#sure(name));
  }

  /** Rows of a benchmark are in it beyond doubt. */
  get sure(): boolean {
    return this.sureNames.length > 0;
  }

  /** The same for another file object means that rows are told apart in the same way. */
  get key(): string {
    return this.names.map((name) => `${name} ${this.#sure(name)}`).join('\n');
  }

  /** Whether it is one beyond doubt: by its rows, or by its rows and its name. */
  #sure(name: BenchmarkName): boolean {
    const { certain, likely } = this.#counts.get(name)!;
    return certain > 0 || (likely > 0 && (marksOf(name)!.file?.test(this.#file) ?? false));
  }

  /** What a row is; null: none of a benchmark. */
  rowOf(value: unknown): RowOfBenchmark | null {
    if (!isObject(value)) return null;
    let best: { readonly name: BenchmarkName; readonly standing: Standing; readonly sure: boolean } | null = null;
    for (const name of this.names) {
      const standing = standingOf(name, value, this.#file);
      const sure = this.#sure(name);
      // In a file of which it is not certain, what is left of a row says nothing.
      if (!standing || (standing === 'bare' && !sure)) continue;
      if (!best || STANDINGS.indexOf(standing) < STANDINGS.indexOf(best.standing)) best = { name, standing, sure };
    }
    if (!best) return null;
    const bare = best.standing === 'bare';
    return { name: best.name, asked: !best.sure || bare, bare };
  }
}
