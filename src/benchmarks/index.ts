/** The benchmarks by name. Which of them a file is says file-of-benchmark.ts. */
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
