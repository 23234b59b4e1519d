/** Files with their rows listed and their pictures found: what a dataset keeps however its rows are read. */
import { folderLister, sampleBenchmark } from './benchmark.ts';
import { Counting } from './counting.ts';
import type { DatasetOptions } from './dataset-ref.ts';
import type { FileSet } from './file-set.ts';
import { Ledger } from './ledger.ts';
import { nothingFound } from './nothing-found.ts';
import { Pictures } from './pictures.ts';
import type { RowIssue } from './row.ts';
import { checkAborted, type Progress, type Shelf } from './scan.ts';
import { HELDOUT_SHARE } from './split.ts';
import { openTables } from './tables/open-tables.ts';

/** Everything of a dataset that does not depend on how it is read. */
export interface Opened extends Shelf {
  readonly files: FileSet;
  /** Of the options, what tables depend on. */
  readonly shape: string;
  readonly issues: readonly RowIssue[];
}

/** Of the options, what tables depend on. */
export const shapeOf = ({ imagesPerRow = 1, compose, heldoutShare }: DatasetOptions): string =>
  JSON.stringify(compose ? [imagesPerRow, compose, heldoutShare ?? HELDOUT_SHARE] : [imagesPerRow]);

/** Lists the rows of files and finds their pictures. Throws `cancelled`. */
export async function openShelf(
  name: string,
  files: FileSet,
  options: DatasetOptions,
  progress: Progress,
): Promise<Opened> {
  const ledger = new Ledger();
  const { tables, issues } = await openTables({
    files,
    ledger,
    imagesPerRow: options.imagesPerRow ?? 1,
    compose: options.compose,
    heldoutShare: options.heldoutShare ?? HELDOUT_SHARE,
    tell: (what, done, total) => {
      checkAborted(progress);
      progress.tell(what, done, total);
    },
  });
  const benchmarks: Shelf['benchmarks'] = new Map();
  for (const table of tables) {
    checkAborted(progress);
    if (table.format === null) benchmarks.set(table.file, await sampleBenchmark(table));
  }
  const all = [...files.issues, ...issues];
  const explained = issues.length > 0 || files.issues.some(({ severity }) => severity === 'error');
  if (!explained && tables.every(({ length }) => length === 0)) all.unshift(nothingFound(files, { tables, ledger }));
  return {
    name,
    files,
    shape: shapeOf(options),
    tables,
    pictures: new Pictures(files, tables),
    counting: new Counting(),
    ledger,
    benchmarks,
    picturesIn: folderLister(files),
    issues: all,
  };
}
