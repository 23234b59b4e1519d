/** The benchmarks by name, and which of them a file is. */
import { isObject } from '../base/json.ts';
import type { Benchmark } from './benchmark.ts';
import * as registry from './registry.ts';

export type { Benchmark, BenchmarkRow, Question, ReadPlace, Scored, Written } from './benchmark.ts';

export type BenchmarkName = keyof typeof registry;
/** What the user sees in place of a format. */
export type BenchmarkTitle = (typeof registry)[BenchmarkName]['title'];

/** A line of the registry whose name is not its benchmark's own is an error here. */
type Registry = {
  readonly [N in BenchmarkName]: Benchmark & { readonly name: N; readonly title: (typeof registry)[N]['title'] };
};
export const BENCHMARKS: Registry = registry;
export const BENCHMARK_NAMES = Object.keys(registry) as readonly BenchmarkName[];

/** Throws nothing: null for a name that an older or newer version wrote. */
export const benchmarkNamed = (name: string): Benchmark | null =>
  Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name as BenchmarkName] : null;

/** As many of a file's rows must be a benchmark's: one odd number must not make a training row of another. */
const MOST = 0.95;

/** Counts which benchmarks' rows a file has. */
export class BenchmarkTally {
  #seen = 0;
  readonly #found = new Map<BenchmarkName, number>();

  add(value: unknown, file: string): void {
    this.#seen++;
    if (!isObject(value)) return;
    for (const name of BENCHMARK_NAMES)
      if (BENCHMARKS[name].matches?.(value, file)) this.#found.set(name, (this.#found.get(name) ?? 0) + 1);
  }

  /** Whether it is plain that the file is none: fewer than half of its first rows are of any. */
  none(after: number): boolean {
    return this.#seen >= after && Math.max(0, ...this.#found.values()) < this.#seen / 2;
  }

  /** The benchmark that the file is; null for any other file. */
  result(): BenchmarkName | null {
    const [name, count] = [...this.#found].sort((a, b) => b[1] - a[1])[0] ?? [null, 0];
    return count > 0 && count >= MOST * this.#seen ? name : null;
  }
}
