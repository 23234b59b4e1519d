/** What is told of an opened dataset, and by what two readings of it are told apart. */
import { textHash } from '../base/columns.ts';
import type { Doubt } from './benchmark-rows.ts';
import type { Decision } from './conventions.ts';
import type { EditsReport, Overlay } from './edits/overlay.ts';
import type { DatasetOptions, WayOfWriting } from './dataset-ref.ts';
import type { FileSet } from './file-set.ts';
import { ROW_FORMATS, type RowFormatName } from './formats/table.ts';
import type { Health } from './health.ts';
import { Ledger, type LedgerEntry } from './ledger.ts';
import type { FormatName } from './raw-row.ts';
import { conventionKey, conventionWords } from './reading.ts';
import type { RowIssue } from './row.ts';
import type { RowIndex } from './row-index.ts';
import type { Scanned, Shelf } from './scan.ts';
import { conventionOnly, readingOf } from './settled.ts';
import { shortfallsOf, type Split } from './split.ts';

/** How the boxes of one file are read, and what else they could be. */
export interface ConventionReport extends Decision {
  readonly file: string;
  /** For the user: “pixels of the picture file, as two corners”. */
  readonly words: string;
}

/** Something that the user has to say before a run may start. */
export type OpenQuestion =
  | { readonly kind: 'convention'; readonly file: string; readonly way: WayOfWriting; readonly words: string }
  /** Boxes of which no word says in which of several pictures they lie. */
  | { readonly kind: 'picture'; readonly file: string; readonly rows: number }
  /** Rows that could be a benchmark's or the user's own. */
  | ({ readonly kind: 'benchmark' } & Doubt)
  | { readonly kind: 'skip'; readonly rows: number };

export interface DatasetReport {
  readonly id: string;
  readonly name: string;
  /** Most frequent first, joined by “ + ”. */
  readonly format: string;
  /** Rows by format and by file: what the guess rests on. */
  readonly formats: readonly { readonly name: FormatName; readonly rows: number }[];
  /** Those that rows may be read as, whatever their keys say. */
  readonly rowFormats: readonly RowFormatName[];
  readonly files: readonly { readonly path: string; readonly kind: string; readonly rows: number }[];
  readonly train: number;
  readonly heldout: number;
  /** Training rows with a thought. */
  readonly thoughts: number;
  /** Rows of published benchmarks, which are held out whatever is said, and the benchmarks that could be named. */
  readonly benchmarks: { readonly rows: number; readonly titles: readonly string[] };
  /** Pictures the rows use. */
  readonly images: number;
  readonly tasks: Readonly<Record<string, number>>;
  /** The first ISSUES_LISTED; all of them by page. */
  readonly issues: readonly RowIssue[];
  readonly issueCount: { readonly errors: number; readonly warnings: number };
  /** Rows that cannot be used. */
  readonly leftOut: number;
  /** Rows with several answers. */
  readonly conversations: number;
  readonly conventions: readonly ConventionReport[];
  readonly questions: readonly OpenQuestion[];
  readonly options: DatasetOptions;
  /** What people have changed; null: nothing. `id` is that of the untouched rows. */
  readonly edits: EditsReport | null;
  /** What was done to the rows, each with its count and places. */
  readonly ledger: readonly LedgerEntry[];
  /** Parts and tasks that the split leaves without rows, in sentences. */
  readonly shortfalls: readonly string[];
  /** Decisions that were made for the user, in sentences. */
  readonly notes: readonly string[];
}

export const ISSUES_LISTED = 200;

/**
 * What of the options changes rows: with the same value there is nothing to read again. Boxes read as their file's form
 * declares add nothing to it.
 */
export function keyOf(options: DatasetOptions, { decisions, evidence }: Scanned): string {
  const {
    format,
    imagesPerRow,
    split,
    seed,
    heldoutShare,
    answers,
    turns,
    unsaidPictures,
    benchmarks,
    unfit,
    compose,
  } = options;
  const read = [...decisions].flatMap(([key, decision]) => {
    const said = readingOf(options, fileOf(key), decision.way);
    const { declared = null } = evidence.get(key) ?? {};
    // An answer that was taken back: what the numbers show is not known here.
    if (decision.settled && !said) return [[key, 'open']];
    const { space, layout, resize } = conventionOnly(said ?? decision);
    if (declared && conventionKey({ space, layout }) === conventionKey(declared)) return [];
    return [resize ? [key, space, layout, resize] : [key, space, layout]];
  });
  const taught = [
    ...(answers === 'words' ? [answers] : []),
    ...(turns === 'last' ? [turns] : []),
    ...(unsaidPictures?.length ? [unsaidPictures] : []),
    ...(benchmarks?.length ? [benchmarks] : []),
    ...(unfit?.length ? [unfit.map(({ file, line }) => [file, line])] : []),
    ...(compose ? [compose] : []),
  ];
  return JSON.stringify([format, imagesPerRow ?? 1, split, seed ?? 0, heldoutShare ?? 0.1, read, ...taught]);
}

/** The file of a decision's key. */
export const fileOf = (key: string): string => key.slice(key.indexOf('\n') + 1);

/** Of each file, rows whose picture is a guess; those of a benchmark are never trained on. */
function unsaidPictures(index: RowIndex, tables: Shelf['tables']): OpenQuestion[] {
  const rows = new Map<string, number>();
  for (let row = 0; row < index.length; row++) {
    if (!index.wasDone(row, 'picture-guessed') || index.named.get(row) === 3) continue;
    const { file } = tables[index.table(row)]!;
    rows.set(file, (rows.get(file) ?? 0) + 1);
  }
  return [...rows].map(([file, n]) => ({ kind: 'picture', file, rows: n }));
}

/** Rows of benchmarks, whichever part they would be drawn into. */
const benchmarkRows = ({ named, length }: RowIndex): number => {
  let rows = 0;
  for (let row = 0; row < length; row++) if (named.get(row) === 3) rows++;
  return rows;
};

/** Rows of each task in the parts. */
function tasksOf({ index, health }: Scanned, parts: Readonly<Record<Split, Uint32Array>>): Health['tasks'] {
  if (parts.train.length + parts.heldout.length === index.length) return health.tasks;
  const counts = new Map(health.tasks.map(({ name }) => [name, { name, train: 0, heldout: 0 }]));
  for (const part of ['train', 'heldout'] as const)
    for (const row of parts[part]) {
      const count = counts.get(index.task(row));
      if (count) count[part]++;
    }
  return [...counts.values()];
}

export function report(
  {
    name,
    files,
    tables,
    ledger,
  }: Pick<Shelf, 'tables' | 'ledger'> & { readonly name: string; readonly files: FileSet },
  scanned: Scanned,
  options: DatasetOptions,
  parts: Readonly<Record<Split, Uint32Array>>,
  overlay: Overlay | null,
): DatasetReport {
  const { index, log, decisions } = scanned;
  const tasks = tasksOf(scanned, parts);
  const formats = [...scanned.formats].sort((a, b) => b[1] - a[1]).map(([format, rows]) => ({ name: format, rows }));
  const conventions = [...decisions].map(([key, decision]) => ({
    ...decision,
    file: fileOf(key),
    words: conventionWords(decision),
  }));
  const questions: OpenQuestion[] = conventions
    .filter(({ ambiguous }) => ambiguous)
    .map(({ file, way, words }) => ({ kind: 'convention', file, way, words }));
  questions.push(...scanned.doubts.map((doubt): OpenQuestion => ({ kind: 'benchmark', ...doubt })));
  questions.push(...unsaidPictures(index, tables));
  if (log.leftOut > 0 && options.skipped?.rows !== log.leftOut) questions.push({ kind: 'skip', rows: log.leftOut });
  // Errors first: they are what keeps rows from training.
  const errors = log.page(0, ISSUES_LISTED, 'error');
  return {
    id: `${files.fingerprint}-${textHash(`${name}\n${keyOf(options, scanned)}`)
      .toString(16)
      .padStart(8, '0')}`,
    name,
    format: formats.map((format) => format.name).join(' + ') || 'unknown',
    formats,
    rowFormats: ROW_FORMATS,
    files: tables.map(({ file, kind, length }) => ({ path: file, kind, rows: length })),
    train: parts.train.length,
    heldout: parts.heldout.length,
    thoughts: parts.train.reduce((n, row) => n + Number(overlay?.thinks(row) ?? index.thinks(row)), 0),
    benchmarks: { rows: benchmarkRows(index), titles: scanned.benchmarks },
    images: new Set(index.pictures.view()).size,
    tasks: Object.fromEntries(tasks.map((task) => [task.name, task.train + task.heldout])),
    issues: [...errors, ...log.page(0, ISSUES_LISTED - errors.length, 'warning')],
    issueCount: { errors: log.errors, warnings: log.count - log.errors },
    leftOut: log.leftOut,
    conversations: scanned.conversations,
    conventions,
    questions,
    options,
    edits: overlay?.report ?? null,
    ledger: Ledger.entries([ledger, scanned.ledger], (key) => index.countDone(key)),
    shortfalls: shortfallsOf(tasks),
    notes: scanned.notes,
  };
}
