/** Data files → tables. What a file is, is found from its content; its name only says where to begin. */
import { isObject, printed } from '../../base/json.ts';
import { isPictureName } from '../../base/picture-files.ts';
import type { ElementIndex } from '../../formats/element-index.ts';
import { indexJson, type JsonIndex, type JsonMember } from '../../formats/json-index.ts';
import { indexLines, MAX_ELEMENT, parseJson } from '../../formats/jsonl.ts';
import { fromUtf16, utf16Of } from '../../formats/utf16.ts';
import { fileIssue, type FileSet } from '../file-set.ts';
import type { DatasetOptions } from '../dataset-ref.ts';
import type { Ledger } from '../ledger.ts';
import { guessFormat } from '../recognise.ts';
import type { RowIssue } from '../row.ts';
import { splitByWord } from '../split.ts';
import { isAnnotations, readAnnotations, type Annotations } from './annotations.ts';
import { cocoTable, mcBenchTable, refCocoTable } from './coco-tables.ts';
import { composedTables } from './composed-tables.ts';
import { withPhrases } from './phrase-table.ts';
import { parquetTable } from './parquet-table.ts';
import type { Table } from './table.ts';
import { ForeignFiles, kindByLines, kindByName, kindByValue } from './foreign-files.ts';
import { labelTables } from './label-files.ts';
import { isRow, singleTables, type SingleFile } from './single-rows.ts';
import { csvTable, linesTable, listTable, nestedTable, partsTable, type NestedRow } from './text-table.ts';

const DATA_FILE = /\.(?:json|jsonl|ndjson|csv|tsv|parquet)$/i;
const LIST_KEYS = ['data', 'rows', 'samples', 'train', 'items'];

/** Files that no one looks for rows in, beside pictures: drawings, words for people, programs. All others with an ending may hold some. */
const HOLDS_NO_ROWS =
  /\.(?:hei[cf]|svg|p[bgnp]m|ico|ai|psd|md|rst|html?|css|py|ipynb|js|ts|sh|bat|c|h|cpp|java|m|r|lock|ini|cfg|gitattributes|gitignore|pdf|log|sha256|md5|tmp|ds_store|crc)$/i;
/** Settings that libraries keep beside rows. */
const SETTINGS =
  /(?:^|\/)(?:dataset_infos?|dataset_dict|state|(?:.*_)?config|package(?:-lock)?|tokenizer[^/]*|vocab|special_tokens_map|.*\.index)\.json$/i;
const HAS_ENDING = /[^/]\.[^/.]{1,12}$/;

/** Words for people, not rows. */
const FOR_PEOPLE = /(?:^|\/)(?:readme|licen[cs]e|changelog|requirements|notice)[^/]*$/i;

export const isDataFile = (path: string): boolean => DATA_FILE.test(path);

/** Words, and lines of a form that may be known. */
const LINES = /\.(?:txt|odgt|ann|lst|list|labels?)$/i;
const HEAD = 2048;

export interface Opened {
  readonly tables: Table[];
  readonly issues: RowIssue[];
}

interface Context {
  readonly files: FileSet;
  readonly imagesPerRow: number;
  readonly compose: DatasetOptions['compose'];
  readonly heldoutShare: number;
  /** Told of what is not read. */
  readonly ledger: Ledger;
  /** Told of what is known and not read. */
  readonly foreign: ForeignFiles;
  tell(what: string, done: number, total: number): void;
}

interface Pending {
  /** COCO documents and RefCOCO references, which are matched when all files have been seen. */
  readonly documents: { file: string; blob: Blob; index: JsonIndex }[];
  readonly references: { file: string; blob: Blob; elements: ElementIndex }[];
  /** Files that are a row each, by their number. */
  readonly single: SingleFile[];
}

/** Elements that are looked at, of which some may be damaged. */
const FIRST = 20;

/** Whether one of the first elements of a list has all of these keys. */
async function someHas(blob: Blob, elements: ElementIndex, ...keys: readonly string[]): Promise<boolean> {
  for (let i = 0; i < Math.min(FIRST, elements.length); i++) {
    if (elements.end(i) - elements.start(i) > 2 ** 20) continue;
    const value = await valueAt(blob, { start: elements.start(i), end: elements.end(i) });
    if (isObject(value) && keys.every((key) => key in value)) return true;
  }
  return false;
}

/** Is a list one of RefCOCO's references? */
const isReferences = (blob: Blob, elements: ElementIndex): Promise<boolean> =>
  someHas(blob, elements, 'ann_id', 'sentences');

async function jsonTables(
  { number, file, blob }: SingleFile,
  context: Context,
  pending: Pending,
  opened: Opened,
): Promise<void> {
  const { tell } = context;
  const progress = (bytes: number) => tell(`Finding rows in ${file}`, bytes, blob.size);
  if (/\.(?:jsonl|ndjson)$/i.test(file))
    return void opened.tables.push(linesTable(file, blob, await indexLines(blob, progress)));
  const index = await indexJson(blob, progress);
  if (index.root === 'values' || index.problem) {
    // A .json that is really JSON Lines: more lines that parse than lines that do not.
    const lines = await indexLines(blob, progress);
    if (lines.length > 1 && (index.root === 'values' || (await parses(blob, lines, 0))))
      return void opened.tables.push(linesTable(file, blob, lines));
  }
  if (index.problem) {
    const { reason, line, column } = index.problem;
    opened.issues.push(
      fileIssue(
        file,
        `not JSON: ${reason} (line ${line}, column ${column})`,
        index.elements.length
          ? `Repair the file, or export it again. The ${index.elements.length} elements before that place were read.`
          : 'Repair the file, or export it again.',
      ),
    );
  }
  if (index.root === 'array') {
    if (await isReferences(blob, index.elements)) pending.references.push({ file, blob, elements: index.elements });
    else opened.tables.push(listTable(file, blob, index.elements));
    return;
  }
  if (isAnnotations(index)) {
    const other = await otherAnnotations(blob, index);
    if (other) opened.issues.push(fileIssue(file, ...other));
    else pending.documents.push({ file, blob, index });
    return;
  }
  if (index.root === 'empty' && !index.problem) opened.issues.push(emptyFile(file));
  if (index.root === 'scalar' && !index.problem)
    return void opened.issues.push(
      fileIssue(file, 'not JSON: it contains no list and no object', 'Repair the file, or export it again.'),
    );
  if (index.root === 'values' && !index.problem)
    opened.issues.push(
      fileIssue(
        file,
        'it holds several JSON values one after another in one line',
        'Write one row a line (JSON Lines), or all rows as a list.',
      ),
    );
  if (index.root === 'object') await objectTables({ number, file, blob }, index, context, pending, opened);
}

const emptyFile = (file: string): RowIssue =>
  fileIssue(file, 'the file is empty', 'Copy or export it again, or remove it.', 'warning');

/** COCO's files of another kind, by their first annotation: what they are, and what to bring instead. */
async function otherAnnotations(blob: Blob, { members, problem }: JsonIndex): Promise<[string, string] | null> {
  const described = Boolean(members.get('descriptions')?.elements);
  const groups = members.get('categories')?.elements;
  const group = groups ? await elementOf(blob, groups) : null;
  const undescribed =
    isObject(group) &&
    /^group \d+$/.test(printed(group.name)) &&
    (await someHas(blob, members.get('annotations')!.elements!, 'text_id'));
  if (described ? problem : undescribed)
    return [
      described
        ? 'this is MC-Bench, and the file ends before its end'
        : 'these are annotations of MC-Bench without its descriptions',
      'Nothing of it is read. Download mc-bench_v0.2_val.json again.',
    ];
  const first = await elementOf(blob, members.get('annotations')!.elements!);
  if (isObject(first) && 'tokens_positive' in first)
    return [
      'these are phrases in captions in the form of MDETR (tokens_positive), which are not read',
      'Write a row for each phrase: image, question and answer, with the phrase’s box as the answer.',
    ];
  if (!isObject(first) || 'bbox' in first) return null;
  if ('caption' in first)
    return ['these are captions of COCO: they have no boxes', 'Drop the instances file of the same release instead.'];
  if ('segments_info' in first)
    return [
      'these are panoptic segments of COCO: masks, no boxes of objects',
      'Drop the instances file of the same release instead.',
    ];
  if ('keypoints' in first)
    return ['these are keypoints of COCO without boxes', 'Drop the instances file of the same release instead.'];
  return null;
}

async function valueAt(blob: Blob, { start, end }: { readonly start: number; readonly end: number }): Promise<unknown> {
  if (end - start > MAX_ELEMENT) return null;
  const parsed = parseJson(new Uint8Array(await blob.slice(start, end).arrayBuffer()));
  return parsed.ok ? parsed.value : null;
}

const elementOf = (blob: Blob, elements: ElementIndex): Promise<unknown> =>
  elements.length ? valueAt(blob, { start: elements.start(0), end: elements.end(0) }) : Promise.resolve(null);

/** Values looked at to know whether an object is rows by their ids. */
const LOOKED_AT = 3;

/** An object at the root: a row of its own, lists of rows, or rows by their ids. */
async function objectTables(
  one: SingleFile,
  index: JsonIndex,
  { files, ledger, foreign }: Context,
  pending: Pending,
  opened: Opened,
): Promise<void> {
  const { file, blob } = one;
  const members = [...index.members];
  if (!index.problem && isRow(await valueAt(blob, { start: 0, end: blob.size }), file, files))
    return void pending.single.push(one);
  const kind = index.problem ? null : kindByValue(await sampleOf(blob, members));
  if (kind) {
    foreign.add(file, kind);
    return ledger.add('file-not-read', { file, line: 0 });
  }
  const lists = members.flatMap(([name, { elements }]) => (elements?.length ? [{ name, elements }] : []));
  const rows: typeof lists = [];
  for (const list of lists) if (guessFormat(await elementOf(blob, list.elements)) !== null) rows.push(list);
  const usual = lists.filter(({ name }) => LIST_KEYS.includes(name) || splitByWord(name) !== null);
  const read = rows.length ? rows : usual.slice(0, 1);
  if (read.length) {
    const [only] = read;
    opened.tables.push(
      read.length === 1 && splitByWord(only!.name) === null
        ? listTable(file, blob, only!.elements)
        : partsTable(file, blob, read),
    );
    if (lists.length > read.length) ledger.add('list-not-read', { file, line: 0 });
    return;
  }
  const values = members.filter(([, { elements }]) => elements === null);
  const found = await nestedRows(blob, values, NESTED);
  if (found.length) {
    opened.tables.push(nestedTable(file, blob, found));
    if (lists.length) ledger.add('list-not-read', { file, line: 0 });
  } else if (!index.problem && !SETTINGS.test(file)) ledger.add('file-not-read', { file, line: 0 });
}

/** Members whose values are looked at to know a file of another form, and their most bytes. */
const SAMPLED = 12;
const SAMPLED_BYTES = 2 ** 20;

/** The first members of an object: of lists the first value, in a list. */
async function sampleOf(blob: Blob, members: readonly (readonly [string, JsonMember])[]): Promise<object> {
  const sample: [string, unknown][] = [];
  for (const [name, member] of members.slice(0, SAMPLED)) {
    if (member.elements) sample.push([name, [await elementOf(blob, member.elements)]]);
    else sample.push([name, member.end - member.start > SAMPLED_BYTES ? null : await valueAt(blob, member)]);
  }
  return Object.fromEntries(sample);
}

/** Levels of objects around rows: VoTT's `assets` are by their ids, others have parts of rows by ids. */
const NESTED = 2;

/** Rows by their ids, alone or in objects by other names; what is no row is passed over. */
async function nestedRows(
  blob: Blob,
  members: readonly (readonly [string, { readonly start: number; readonly end: number }])[],
  depth: number,
): Promise<NestedRow[]> {
  const looked = await Promise.all(members.slice(0, LOOKED_AT).map(([, member]) => valueAt(blob, member)));
  if (looked.length && looked.every((value) => guessFormat(value) !== null))
    return members.map(([id, { start, end }]) => ({ id, start, end }));
  const found: NestedRow[] = [];
  for (const [name, { start, end }] of depth > 0 ? members : []) {
    if (end - start < 4) continue;
    const inner = await indexJson(blob.slice(start, end));
    if (inner.root !== 'object' || inner.problem) continue;
    const split = splitByWord(name) === null ? {} : { split: name };
    for (const [part, { elements }] of inner.members) {
      if (!elements?.length || guessFormat(await elementOf(blob.slice(start, end), elements)) === null) continue;
      const own = splitByWord(part) === null ? split : { split: part };
      for (let i = 0; i < elements.length; i++)
        found.push({ start: start + elements.start(i), end: start + elements.end(i), ...own });
    }
    const objects = [...inner.members].filter(([, { elements }]) => elements === null);
    const moved = objects.map(([id, at]) => [id, { start: start + at.start, end: start + at.end }] as const);
    for (const row of await nestedRows(blob, moved, depth - 1)) found.push({ ...split, ...row });
  }
  return found;
}

async function parses(blob: Blob, lines: ElementIndex, i: number): Promise<boolean> {
  return parseJson(new Uint8Array(await blob.slice(lines.start(i), lines.end(i)).arrayBuffer())).ok;
}

/** Tables of annotations; references take the instances with which most of their ids are found. */
async function annotationTables(
  { documents, references }: Pending,
  { imagesPerRow, compose, heldoutShare, ledger }: Context,
  opened: Opened,
): Promise<void> {
  const instances: Annotations[] = [];
  const direct: (() => Promise<Table>)[] = [];
  const plain: Annotations[] = [];
  for (const { file, blob, index } of documents) {
    const { annotations, texts } = await readAnnotations(file, blob, index, ledger);
    opened.issues.push(...annotations.issues);
    if (texts) direct.push(() => mcBenchTable(annotations, blob, index));
    else {
      instances.push(annotations);
      if (!references.length && compose) plain.push(annotations);
      else if (!references.length) direct.push(async () => cocoTable(annotations, imagesPerRow, ledger));
    }
  }
  if (compose) {
    const composed = composedTables(plain, compose, heldoutShare, ledger);
    opened.tables.push(...composed.tables);
    opened.issues.push(...composed.issues);
  }
  for (const make of direct) opened.tables.push(await make());
  for (const { file, blob, elements } of references) {
    const folder = file.slice(0, file.lastIndexOf('/') + 1);
    const own = instances.find((each) => each.file.startsWith(folder)) ?? instances[0];
    if (own) opened.tables.push(await refCocoTable(file, blob, elements, own));
    else
      opened.issues.push(
        fileIssue(
          file,
          'these are referring expressions without their boxes',
          'Drop them together with the instances.json of the same release.',
        ),
      );
  }
}

/** By its mark, or by the three zeros beside an ASCII character. */
async function isUtf32(blob: Blob): Promise<boolean> {
  const [a, b, c, d] = new Uint8Array(await blob.slice(0, 4).arrayBuffer());
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0;
  if (a === 0 && b === 0) return (c === 0xfe && d === 0xff) || (c === 0 && d !== 0);
  return a !== 0 && b === 0 && c === 0 && d === 0;
}

/** Its first bytes as text; none where they cannot be read, which is told where the file is named. */
const headOf = async (files: FileSet, i: number): Promise<string> =>
  new TextDecoder().decode(await files.head(i, HEAD).catch(() => undefined));

/** Opens every data file of the set. Bad files become issues. */
export async function openTables(given: Omit<Context, 'foreign'>): Promise<Opened> {
  const context: Context = { ...given, foreign: new ForeignFiles() };
  const { files, foreign } = context;
  const opened: Opened = { tables: [], issues: [] };
  const pending: Pending = { documents: [], references: [], single: [] };
  const labels = await labelTables(files);
  opened.tables.push(...labels.tables);
  opened.issues.push(...labels.issues);
  for (let i = 0; i < files.count; i++) {
    if (labels.read.has(i)) continue;
    const file = files.path(i);
    if (!isDataFile(file)) {
      const named = kindByName(file);
      if (
        !named &&
        (!HAS_ENDING.test(file) || isPictureName(file) || HOLDS_NO_ROWS.test(file) || FOR_PEOPLE.test(file))
      )
        continue;
      const kind = named ?? (LINES.test(file) ? kindByLines(file, await headOf(files, i)) : null);
      if (kind) foreign.add(file, kind);
      context.ledger.add('file-not-read', { file, line: 0 });
      continue;
    }
    const packed = await files.open(i).catch((error: Error) => {
      opened.issues.push(fileIssue(file, error.message, 'Open the dataset again.'));
      return null;
    });
    if (!packed) continue;
    if (packed.size === 0) {
      opened.issues.push(emptyFile(file));
      continue;
    }
    if (await isUtf32(packed)) {
      opened.issues.push(fileIssue(file, 'it is UTF-32, which is not read', 'Save it as UTF-8.'));
      continue;
    }
    const utf16 = /\.parquet$/i.test(file) ? null : await utf16Of(packed);
    const blob = utf16 ? await fromUtf16(packed, utf16) : packed;
    if (/\.parquet$/i.test(file) || /\.[ct]sv$/i.test(file)) {
      const { table, issues } = /\.parquet$/i.test(file)
        ? await parquetTable(file, blob)
        : await csvTable(file, blob, (bytes) => context.tell(`Finding rows in ${file}`, bytes, blob.size));
      if (table) opened.tables.push(table);
      opened.issues.push(...issues);
    } else await jsonTables({ number: i, file, blob }, context, pending, opened);
  }
  opened.tables.push(...(await singleTables(pending.single, files)));
  opened.issues.push(...foreign.issues);
  await annotationTables(pending, context, opened);
  for (const [i, table] of opened.tables.entries())
    if (table.format === null) opened.tables[i] = await withPhrases(table);
  return opened;
}
