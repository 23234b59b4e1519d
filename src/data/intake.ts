/** Dropped files → rows and what is wrong with the others. The whole way of a dataset into the house, in order. */
import type { Size } from '../grounding/box.ts';
import { readImageHeader } from '../image/size.ts';
import { decideSpace, SPACE_WORDS, type CoordinateSpace, type SpaceDecision } from './coordinate-space.ts';
import { readElements } from './elements.ts';
import { expandFiles, fileIssue, type DatasetFile, type NamedFile } from './files.ts';
import { ImageLookup } from './image-lookup.ts';
import { interpretRow, searchRow, spaceSamples, type Remark, type Remarks, type SearchedRow } from './interpret.ts';
import type { FormatName } from './raw-row.ts';
import { readRow } from './recognise.ts';
import type { Row, RowIssue } from './row.ts';
import { drawSplit, splitByName, type Split } from './split.ts';

export interface IntakeOptions {
  /** Overrules what the numbers suggest, for boxes whose file does not declare their space. */
  readonly space?: CoordinateSpace;
  /** Of the drawn split. Default 0. */
  readonly seed?: number;
  /** Rows to hold out where no file name says so. Default 0.1. */
  readonly heldoutShare?: number;
}

export interface Intake {
  /** Most frequent first, joined by “ + ”. */
  readonly format: string;
  readonly rows: readonly Row[];
  readonly issues: readonly RowIssue[];
  /** Decisions that were made for the user, in sentences. */
  readonly notes: readonly string[];
  readonly files: ReadonlyMap<string, DatasetFile>;
  /** Size of a picture as shown, from its first bytes; null if it is none. */
  sizeOf(path: string): Promise<Size | null>;
}

const DATA_FILE = /\.(?:json|jsonl|ndjson)$/i;
const UNREAD_DATA = /\.(?:parquet|arrow|csv|tsv)$/i;

const REMARKS: Readonly<Record<Remark, (rows: number) => string>> = {
  'pictures-put-first': (n) =>
    `${n} rows have no <image> in their text: their pictures were put in front of the question.`,
  'coordinates-in-thinking': (n) =>
    `${n} rows have coordinates in their thinking: those are left as written, in the dataset's own space.`,
  'picture-from-question': (n) => `${n} rows name the picture of their box only in the question.`,
  'picture-guessed': (n) =>
    `${n} rows do not say in which picture their box lies: the last is assumed, and no answer is called wrong for naming another.`,
  'prompt-box-in-first': (n) => `${n} rows have a box in their question without a picture: it is put in the first.`,
};

interface DataFile {
  readonly path: string;
  readonly rows: readonly SearchedRow[];
  readonly formats: ReadonlyMap<FormatName, number>;
}

async function searchFile(file: DatasetFile, lookup: ImageLookup, issues: RowIssue[]): Promise<DataFile> {
  const { elements, issues: unreadable } = await readElements(file);
  issues.push(...unreadable);
  const rows: SearchedRow[] = [];
  const formats = new Map<FormatName, number>();
  for (const { value, line } of elements) {
    const read = readRow(value, { file: file.path, line });
    if (!read.ok) issues.push(...read.issues);
    else {
      formats.set(read.row.format, (formats.get(read.row.format) ?? 0) + 1);
      rows.push(searchRow(read.row, lookup));
    }
  }
  return { path: file.path, rows, formats };
}

type Ways = 'pairs' | 'list';

/** What the loose numbers of a file mean, by the way they are written; the decisions are told in `notes`. */
async function decideSpaces(
  file: DataFile,
  sizeOf: Intake['sizeOf'],
  override: CoordinateSpace | undefined,
  notes: string[],
): Promise<Record<Ways, CoordinateSpace>> {
  const samples = file.rows.flatMap(spaceSamples);
  const decide = async (way: Ways): Promise<CoordinateSpace> => {
    const mine = samples.filter(({ place }) => place.written === way);
    if (!mine.length) return 'thousand';
    const decision: SpaceDecision = override
      ? { space: override, reason: 'you said so', uncertain: false }
      : (await decideSpace(mine, sizeOf))!;
    notes.push(
      `${file.path}: boxes written ${way === 'pairs' ? '(x1,y1),(x2,y2)' : '[x1, y1, x2, y2]'} are read as ${SPACE_WORDS[decision.space]}, because ${decision.reason}${decision.uncertain ? '. This is a guess: check the preview' : ''}.`,
    );
    return decision.space;
  };
  return { pairs: await decide('pairs'), list: await decide('list') };
}

/** Ids as the files give them, made unique. */
class RowIds {
  #used = new Set<string>();

  claim(wanted: string | null, source: Row['source'], issues: RowIssue[]): string {
    const base = wanted ?? `${source.file}:${source.line}`;
    let id = base;
    for (let n = 2; this.#used.has(id); n++) id = `${base}#${n}`;
    if (id !== base && wanted !== null)
      issues.push({
        ...source,
        field: 'id',
        reason: `the id “${base}” is used twice`,
        fix: `It is called “${id}” here; give each row its own id.`,
        severity: 'warning',
      });
    this.#used.add(id);
    return id;
  }
}

/** Splits by file name, by benchmark, or by a draw; says which, and whether pictures are on both sides. */
function splitRows(
  rows: readonly Omit<Row, 'split'>[],
  benchmark: ReadonlySet<string>,
  { seed = 0, heldoutShare }: IntakeOptions,
  notes: string[],
): Split[] {
  const named = rows.map(({ id, source }) => (benchmark.has(id) ? ('heldout' as const) : splitByName(source.file)));
  if (benchmark.size)
    notes.push(
      `${benchmark.size} rows are of MIG-Bench and always held out: training on a benchmark would make it worthless.`,
    );
  if (rows.length && !named.includes('heldout')) {
    const { splits, note } = drawSplit(rows, seed, heldoutShare);
    notes.push(note);
    return splits;
  }
  const splits = named.map((split): Split => split ?? 'train');
  if (!splits.includes('train'))
    notes.push('All rows are held out, by the names of their files: add a file named train.jsonl to train on.');
  const trained = new Set(rows.flatMap(({ images }, i) => (splits[i] === 'train' ? images : [])));
  const shared = new Set(
    rows.flatMap(({ images }, i) => (splits[i] === 'heldout' ? images.filter((image) => trained.has(image)) : [])),
  );
  if (shared.size)
    notes.push(
      `${shared.size} pictures are used both in training and held out: the measured accuracy will be too high.`,
    );
  return splits;
}

/** Never throws for what the files contain. */
export async function takeIn(dropped: readonly NamedFile[], options: IntakeOptions = {}): Promise<Intake> {
  const { files: list, issues } = await expandFiles(dropped);
  const files = new Map(list.map((file) => [file.path, file]));
  const sizes = new Map<string, Promise<Size | null>>();
  const measure = async (path: string): Promise<Size | null> => {
    const file = files.get(path);
    return file ? ((await readImageHeader(await file.blob()).catch(() => null))?.size ?? null) : null;
  };
  const sizeOf = (path: string): Promise<Size | null> => {
    let size = sizes.get(path);
    if (!size) sizes.set(path, (size = measure(path)));
    return size;
  };

  const notes: string[] = [];
  const remarks: Remarks = new Map();
  const formats = new Map<FormatName, number>();
  const rows: Omit<Row, 'split'>[] = [];
  const benchmark = new Set<string>();
  const ids = new RowIds();
  const isData = (file: DatasetFile) => DATA_FILE.test(file.path);
  const lookup = new ImageLookup(list.filter((file) => !isData(file)).map(({ path }) => path));
  for (const file of list.filter(isData)) {
    const data = await searchFile(file, lookup, issues);
    for (const [format, n] of data.formats) formats.set(format, (formats.get(format) ?? 0) + n);
    const spaces = await decideSpaces(data, sizeOf, options.space, notes);
    for (const searched of data.rows) {
      const { row, issues: mine } = await interpretRow(searched, {
        spaceOf: (written, raw) => (written === 'declared' ? raw.space! : spaces[written]),
        sizeOf,
        remarks,
      });
      issues.push(...mine);
      if (!row) continue;
      const id = ids.claim(searched.raw.id, row.source, issues);
      if (searched.raw.format === 'MIG-Bench') benchmark.add(id);
      rows.push({ id, ...row });
    }
  }
  const unread = list.filter(({ path }) => UNREAD_DATA.test(path));
  for (const { path } of unread)
    issues.push(
      fileIssue(path, 'this kind of file is not read', 'Export the rows as JSONL.', rows.length ? 'warning' : 'error'),
    );
  if (!rows.length && !issues.length)
    issues.push(
      fileIssue(
        '',
        'there are no rows',
        'Drop a folder or zip with a .json or .jsonl file of rows and their pictures.',
      ),
    );

  for (const [name, n] of remarks) notes.push(REMARKS[name](n));
  const splits = splitRows(rows, benchmark, options, notes);
  const format = [...formats]
    .sort((a, b) => b[1] - a[1])
    .map(([name]) => name)
    .join(' + ');
  return {
    format: format || 'unknown',
    rows: rows.map((row, i) => ({ ...row, split: splits[i]! })),
    issues,
    notes,
    files,
    sizeOf,
  };
}
