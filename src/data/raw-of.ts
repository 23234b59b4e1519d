/** A table's row in the form that all formats share: a benchmark's by its own reader, any other by its keys. */
import { BENCHMARKS } from '../benchmarks/index.ts';
import { readBenchmarkRow } from './benchmark.ts';
import type { DatasetOptions } from './dataset-ref.ts';
import type { FormatName, RawRow, ReadRow } from './raw-row.ts';
import { guessFormat, readRow, type RecognisedRow } from './recognise.ts';
import type { RowIssue } from './row.ts';
import type { Shelf } from './scan.ts';
import type { TableRow } from './tables/table.ts';

const named = (format: FormatName, read: ReadRow): RecognisedRow =>
  read.ok ? { ok: true, row: { ...read.row, format } } : read;

type Barred = Pick<RawRow, 'barred' | 'asked'>;

/** Whether a row is a benchmark's, and by whose reader it is read. `said`: the user's word for its file. */
function standing(
  value: unknown,
  file: string,
  { benchmarks, format }: DatasetOptions,
  shelf: Pick<Shelf, 'benchmarks'>,
): { readonly flags: Barred; readonly ownReader: boolean; readonly beside: boolean } {
  const known = shelf.benchmarks.get(file);
  const found = known?.rowOf(value) ?? null;
  const said = benchmarks?.find((each) => each.file === file)?.as;
  // What is left of a benchmark's row, where it can be read as a row of one's own, may be one.
  const ordinary = found?.bare === true && guessFormat(value) !== null;
  const asked = found !== null && found.asked && (!found.bare || ordinary);
  if (!found || (asked && said === 'own'))
    return {
      flags: format === 'MIG-Bench' ? { barred: 'migBench' } : {},
      ownReader: false,
      beside: known?.sure ?? false,
    };
  return {
    flags: { barred: found.name, ...(asked && said === undefined && { asked: true }) },
    ownReader: format === undefined && !ordinary,
    beside: false,
  };
}

/** The row, or what is wrong with it. */
export function rawOf(
  row: TableRow,
  file: string,
  options: DatasetOptions,
  shelf: Pick<Shelf, 'name' | 'benchmarks' | 'picturesIn'>,
): { readonly raw: RawRow | null; readonly issues: readonly RowIssue[] } {
  if (row.kind === 'bad') return { raw: null, issues: [row.issue] };
  if (row.kind === 'raw') return { raw: row.raw, issues: [] };
  const { flags, ownReader, beside } = standing(row.value, file, options, shelf);
  const source = { file, line: row.line };
  const read = ownReader
    ? named(
        BENCHMARKS[flags.barred!].title,
        readBenchmarkRow(flags.barred!, row.value, source, shelf, (value) => readRow(value, source, 'MIG-Bench')),
      )
    : readRow(row.value, source, options.format);
  if (!read.ok) return { raw: null, issues: read.issues };
  const split = read.row.split ?? row.split;
  const own = read.row.id ?? row.id ?? null;
  const done = [
    ...(read.row.done ?? []),
    ...(row.phrase === undefined ? [] : (['phrase-of-several'] as const)),
    ...(beside ? (['beside-benchmark'] as const) : []),
  ];
  const raw = {
    ...read.row,
    ...flags,
    id: own !== null && row.phrase !== undefined ? `${own}-${row.phrase}` : own,
    ...(split !== undefined && { split }),
    ...(done.length && { done }),
  };
  return { raw, issues: [] };
}
