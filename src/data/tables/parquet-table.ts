/**
 * Parquet, as the Hub's datasets store rows: pictures as `struct{bytes, path}`, alone or in lists, in the file itself.
 * The reader is hyparquet, loaded when the first such file is opened. A row group is decoded when one of its rows is
 * asked for, and one of them is kept.
 */
import type { FileMetaData } from 'hyparquet';
import { GroundworkError } from '../../base/error.ts';
import { fileIssue } from '../file-set.ts';
import { rowIssue } from '../raw-row.ts';
import type { RowIssue } from '../row.ts';
import { decoded, withPictureNames } from './inline-pictures.ts';
import { footerMisfit, groupMisfit, gunzipped, leavesOf, pagesMisfit } from './parquet-claims.ts';
import { EMBEDDED, type Table } from './table.ts';

type Fields = Record<string, unknown>;

/** Rows decoded together, within a row group: pages with pictures are large. */
const BATCH = 64;

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;

/** Whether a value is a picture stored in the row: its bytes, or the Hub's `{ bytes, path }`. */
function pictureBytes(value: unknown): Uint8Array | null {
  if (isBytes(value)) return value;
  const bytes = typeof value === 'object' && value !== null ? (value as Fields).bytes : null;
  return isBytes(bytes) ? bytes : null;
}

/** A value as JSON would have it: whole numbers of 64 bits become numbers, pictures the name by which they are asked for. */
function plain(value: unknown, name: string): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (pictureBytes(value)) return name;
  if (typeof value === 'string') return withPictureNames(value, name);
  if (Array.isArray(value)) return value.map((item, i) => plain(item, `${name}/${i}`));
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    const fields = Object.entries(value as Fields).filter(([, field]) => field !== null && field !== undefined);
    // Without its bytes the Hub's picture is a path.
    if (fields.length === 1 && fields[0]![0] === 'path') return fields[0]![1];
    return Object.fromEntries(fields.map(([key, field]) => [key, plain(field, `${name}/${key}`)]));
  }
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
}

/** The Hub's features of a file (datasets, `Features`): JSON under `huggingface` in its schema; null where there are none. */
function featuresOf(pairs: readonly { readonly key: string; readonly value?: string }[]): unknown {
  try {
    const text = pairs.find(({ key }) => key === 'huggingface')?.value;
    return text ? ((JSON.parse(text) as { info?: { features?: unknown } }).info?.features ?? null) : null;
  } catch {
    return null;
  }
}

/** A value with the names of its classes in place of their numbers, where its feature is a `ClassLabel`. */
function withClassNames(value: unknown, feature: unknown, depth = 0): unknown {
  if (typeof feature !== 'object' || feature === null || depth > 8) return value;
  const { _type: type, names, feature: inner } = feature as Fields;
  if (Array.isArray(value)) {
    // Of a list; or a list of each field, as a sequence of objects is stored.
    const each: unknown = Array.isArray(feature) ? feature[0] : type === 'ClassLabel' ? feature : inner;
    return value.map((item) => withClassNames(item, each, depth + 1));
  }
  if (type === 'ClassLabel')
    return typeof value === 'number' && Array.isArray(names) && typeof names[value] === 'string' ? names[value] : value;
  if (typeof value !== 'object' || value === null) return value;
  const fields = (typeof inner === 'object' && inner !== null ? inner : feature) as Fields;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, withClassNames(field, fields[key], depth + 1)]),
  );
}

/** Some columns hold lists and objects as JSON text. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

const JSON_COLUMNS = new Set([
  'conversations',
  'messages',
  'objects',
  'images',
  'prompt',
  'completion',
  'answer',
  'solution',
  'bbox',
]);

/**
 * Why the columns are not those of the schema, or lie outside the file. hyparquet would find that out in the middle, with
 * other columns under way whose failures nobody then catches: under Node they end the process.
 */
function misfitOf({ schema, row_groups: groups }: FileMetaData, size: number): string | null {
  const leaves = leavesOf(schema);
  if (!leaves) return 'its schema is nested too deep';
  for (const group of groups) {
    const { columns, num_rows } = group;
    if (!Number.isSafeInteger(Number(num_rows)) || num_rows < 0) return 'it names an impossible number of rows';
    const paths = columns.map(({ meta_data }) => meta_data?.path_in_schema?.join('.') ?? '');
    if (
      leaves.size !== paths.length ||
      new Set(paths).size !== paths.length ||
      !paths.every((path) => leaves.has(path))
    )
      return 'its columns are not those of its schema';
    for (const { meta_data: about } of columns) {
      if (!about) return 'a column is not described';
      const start = Number(about.dictionary_page_offset ?? about.data_page_offset);
      const length = Number(about.total_compressed_size);
      if (!(start >= 0 && length >= 0 && start + length <= size)) return 'a column lies outside the file';
    }
    const claim = groupMisfit(group, size);
    if (claim !== null) return claim;
  }
  return null;
}

export async function parquetTable(file: string, blob: Blob): Promise<{ table: Table | null; issues: RowIssue[] }> {
  const { parquetMetadataAsync, parquetReadObjects, snappyUncompress } = await import('hyparquet');
  const compressors = { GZIP: gunzipped };
  const source = {
    byteLength: blob.size,
    slice: (start: number, end?: number) => blob.slice(start, end).arrayBuffer(),
  };
  const bad = (reason: string) => ({
    table: null,
    issues: [
      fileIssue(
        file,
        `it cannot be read as Parquet: ${reason}`,
        'Write it again with snappy compression (pandas and datasets do so by default), or export JSON Lines.',
      ),
    ],
  });
  const unread = await footerMisfit(blob);
  if (unread !== null) return bad(unread);
  let metadata: Awaited<ReturnType<typeof parquetMetadataAsync>>;
  try {
    // Marks of maps are of no use here, and looking for them can go round for ever.
    metadata = await parquetMetadataAsync(source, { geoparquet: false });
  } catch (error) {
    return bad((error as Error).message);
  }
  const features = featuresOf(metadata.key_value_metadata ?? []);
  const codec = metadata.row_groups
    .flatMap(({ columns }) => columns.map((column) => column.meta_data?.codec))
    .find((name) => name !== undefined && !['UNCOMPRESSED', 'SNAPPY', 'GZIP'].includes(name));
  if (codec) return bad(`its compression is ${codec}`);
  const misfit = misfitOf(metadata, blob.size);
  if (misfit !== null) return bad(misfit);
  const ends: number[] = [];
  for (const group of metadata.row_groups) ends.push((ends.at(-1) ?? 0) + Number(group.num_rows));
  const length = ends.at(-1) ?? 0;

  const leaves = leavesOf(metadata.schema)!;
  const decompressed = (bytes: Uint8Array, length: number, codec: string): Uint8Array => {
    if (codec === 'UNCOMPRESSED') return bytes;
    if (codec === 'GZIP') return gunzipped(bytes, length);
    const out = new Uint8Array(length);
    snappyUncompress(bytes, out);
    return out;
  };
  const bytesAt = async (start: number, count: number) => new Uint8Array(await source.slice(start, start + count));
  /** Once a row group, before its first rows are decoded. */
  const checkPages = async (group: number): Promise<void> => {
    for (const { meta_data: about, ...chunk } of metadata.row_groups[group]!.columns) {
      const start = Number(about!.dictionary_page_offset || about!.data_page_offset);
      const bytes = await bytesAt(start, Number(about!.total_compressed_size));
      const [indexAt, indexLength] = [chunk.offset_index_offset, chunk.offset_index_length];
      const index = indexAt && indexLength ? await bytesAt(Number(indexAt), indexLength) : null;
      const levels = leaves.get(about!.path_in_schema.join('.'))!;
      const claim = pagesMisfit(bytes, start, about!, levels, decompressed, index);
      if (claim !== null) throw new Error(claim);
    }
  };
  const checked = new Map<number, Promise<void>>();
  const checkedGroup = (group: number): Promise<void> => {
    const known = checked.get(group) ?? checkPages(group);
    checked.set(group, known);
    return known;
  };

  let kept: { readonly from: number; readonly rows: Promise<Fields[]> } | null = null;
  const batchOf = (row: number) => {
    const group = ends.findIndex((end) => row < end);
    const start = group === 0 ? 0 : ends[group - 1]!;
    const from = start + Math.floor((row - start) / BATCH) * BATCH;
    const to = Math.min(from + BATCH, ends[group]!);
    if (kept?.from !== from)
      kept = {
        from,
        rows: checkedGroup(group).then(
          () =>
            parquetReadObjects({
              file: source,
              metadata,
              rowStart: from,
              rowEnd: to,
              utf8: false,
              useOffsetIndex: true,
              compressors,
            }) as Promise<Fields[]>,
        ),
      };
    return { from, to, rows: kept.rows };
  };

  const table: Table = {
    file,
    kind: 'Parquet',
    format: null,
    length,
    bytes: ends.length * 8,
    async *read(from, to) {
      for (let row = from; row < Math.min(to, length); row++) {
        const batch = batchOf(row);
        let fields: Fields;
        try {
          fields = (await batch.rows)[row - batch.from]!;
        } catch (error) {
          yield {
            line: row + 1,
            kind: 'bad',
            issue: rowIssue(
              { file, line: row + 1 },
              '',
              `it cannot be decoded: ${(error as Error).message}`,
              'Write the file again.',
            ),
          };
          continue;
        }
        const value = Object.fromEntries(
          Object.entries(fields)
            .filter(([, field]) => field !== null && field !== undefined)
            .map(([key, field]) => {
              const content = plain(field, `${file}${EMBEDDED}${row}/${key}`);
              return [key, JSON_COLUMNS.has(key) ? unpacked(content) : content];
            }),
        );
        yield { line: row + 1, kind: 'value', value: withClassNames(value, features) };
      }
    },
    async picture(name) {
      const [place, ...steps] = name.slice(file.length + EMBEDDED.length).split('/');
      const row = Number(place);
      const batch = batchOf(row);
      let value: unknown = (await batch.rows)[row - batch.from];
      for (const step of steps) value = (value as Fields | undefined)?.[step];
      const bytes = pictureBytes(value);
      const inline = typeof value === 'string' ? decoded(value) : null;
      if (inline) return inline;
      if (!bytes)
        throw new GroundworkError(
          'image-missing',
          `There is no picture ${name}.`,
          'Open the dataset again with its pictures.',
        );
      return new Blob([bytes as Uint8Array<ArrayBuffer>]);
    },
  };
  return { table, issues: [] };
}
