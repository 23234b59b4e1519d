/** Tables of JSON elements and CSV records, read from their file by place. */
import { ElementIndex, readElements } from '../../formats/element-index.ts';
import { indexCsv } from '../../formats/csv.ts';
import { delimiterOf, parseRecord } from '../../base/csv.ts';
import { MAX_ELEMENT, parseJson } from '../../formats/jsonl.ts';
import { fileIssue } from '../file-set.ts';
import { rowIssue } from '../raw-row.ts';
import type { RowIssue } from '../row.ts';
import { GroundworkError } from '../../base/error.ts';
import { pictureIn, placeOf, withPictureNames } from './inline-pictures.ts';
import { EMBEDDED, type Table, type TableRow } from './table.ts';

interface TextTableParts {
  readonly file: string;
  readonly kind: string;
  readonly blob: Blob;
  readonly index: ElementIndex;
  /** Lines for JSON Lines, 1-based places for a list. */
  lineOf(i: number): number;
  parse(
    bytes: Uint8Array,
  ): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };
  readonly fix: string;
  /** Elements before the first row: a CSV's header. */
  readonly skip?: number;
  /** What the place of an element says of it. */
  said?(i: number): { readonly split?: string; readonly id?: string };
}

/** Rows with pictures in them, read a moment ago: their pictures are mostly opened next. */
const KEPT_BYTES = 16 * 2 ** 20;

class KeptRows {
  /** The oldest first. */
  readonly #rows = new Map<number, { readonly value: unknown; readonly length: number }>();
  #bytes = 0;

  get(row: number): unknown {
    return this.#rows.get(row)?.value;
  }

  add(row: number, value: unknown, length: number): void {
    if (this.#rows.has(row)) return;
    this.#rows.set(row, { value, length });
    this.#bytes += length;
    for (const [oldest, { length: bytes }] of this.#rows) {
      if (this.#bytes <= KEPT_BYTES) return;
      this.#rows.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}

function textTable({ file, kind, blob, index, lineOf, parse, fix, skip = 0, said }: TextTableParts): Table {
  const bad = (line: number, reason: string): TableRow => ({
    line,
    kind: 'bad',
    issue: rowIssue({ file, line }, '', reason, fix),
  });
  const kept = new KeptRows();
  const valueOf = async (row: number): Promise<unknown> => {
    const known = kept.get(row);
    if (known !== undefined || !(row >= 0 && row < index.length)) return known;
    const length = index.end(row) - index.start(row);
    if (length > MAX_ELEMENT) return null;
    for await (const { bytes } of readElements(blob, index, row, row + 1)) {
      const parsed = parse(bytes);
      if (parsed.ok) kept.add(row, parsed.value, length);
      return parsed.ok ? parsed.value : null;
    }
    return null;
  };
  return {
    file,
    kind,
    format: null,
    length: Math.max(0, index.length - skip),
    bytes: index.bytes,
    async *read(from, to) {
      for (let next = from + skip; next < Math.min(to + skip, index.length);) {
        // A giant is stepped over: reading it would fill the memory.
        if (index.end(next) - index.start(next) > MAX_ELEMENT) {
          yield bad(lineOf(next), `it is longer than ${MAX_ELEMENT / 2 ** 20} MiB`);
          next++;
          continue;
        }
        let stop = next;
        while (stop < Math.min(to + skip, index.length) && index.end(stop) - index.start(stop) <= MAX_ELEMENT) stop++;
        for await (const { i, bytes } of readElements(blob, index, next, stop)) {
          const parsed = parse(bytes);
          if (!parsed.ok) yield bad(lineOf(i), parsed.reason);
          else {
            const value = withPictureNames(parsed.value, `${file}${EMBEDDED}${i}`);
            if (value !== parsed.value) kept.add(i, parsed.value, bytes.length);
            yield { line: lineOf(i), kind: 'value', value, ...said?.(i) };
          }
        }
        next = stop;
      }
    },
    async picture(name) {
      const { row, steps } = placeOf(name, file);
      const picture = pictureIn(await valueOf(row), steps);
      if (picture) return picture;
      throw new GroundworkError(
        'image-missing',
        `There is no picture ${name}.`,
        'The file was changed since it was opened, or the picture is no base64: open the dataset again.',
      );
    },
  };
}

export const linesTable = (file: string, blob: Blob, index: ElementIndex): Table =>
  textTable({
    file,
    kind: 'JSON Lines',
    blob,
    index,
    lineOf: (i) => index.line(i),
    parse: parseJson,
    fix: 'Each line must be one JSON object, in UTF-8.',
  });

export const listTable = (file: string, blob: Blob, index: ElementIndex): Table =>
  textTable({
    file,
    kind: 'JSON',
    blob,
    index,
    lineOf: (i) => i + 1,
    parse: parseJson,
    fix: 'Each element of the list must be one JSON object.',
  });

/** Several lists of a document as one table; each is a part that its name says: `{"train": […], "test": […]}`. */
export function partsTable(
  file: string,
  blob: Blob,
  parts: readonly { readonly name: string; readonly elements: ElementIndex }[],
): Table {
  const index = new ElementIndex();
  const ends: number[] = [];
  for (const { elements } of parts) {
    for (let i = 0; i < elements.length; i++) index.add(elements.start(i), elements.end(i), elements.line(i));
    ends.push(index.length);
  }
  return textTable({
    file,
    kind: 'JSON',
    blob,
    index,
    lineOf: (i) => i + 1,
    parse: parseJson,
    fix: 'Each element of the lists must be one JSON object.',
    said: (i) => ({ split: parts[ends.findIndex((end) => i < end)]!.name }),
  });
}

/** A row somewhere in a document, with what its place says of it. */
export interface NestedRow {
  readonly start: number;
  readonly end: number;
  readonly id?: string;
  readonly split?: string;
}

/** Rows of a document by their ids, `{"0001": {…}, "0002": {…}}`, or deeper in it. Members that are no rows are passed over. */
export function nestedTable(file: string, blob: Blob, rows: readonly NestedRow[]): Table {
  const index = new ElementIndex();
  for (const { start, end } of rows) index.add(start, end, 1);
  return textTable({
    file,
    kind: 'JSON',
    blob,
    index,
    lineOf: (i) => i + 1,
    parse: parseJson,
    fix: 'Each value must be one JSON object.',
    said: (i) => {
      const { id, split } = rows[i]!;
      return { ...(id !== undefined && { id }), ...(split !== undefined && { split }) };
    },
  });
}

/** A field that holds JSON, or a list as Python prints it, is that; others are texts: “12” may be an answer. */
function cell(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (/^[[{]/.test(trimmed)) {
    for (const candidate of [trimmed, trimmed.replaceAll("'", '"')]) {
      const parsed = parseJson(new TextEncoder().encode(candidate));
      if (parsed.ok) return parsed.value;
    }
  }
  return text;
}

/** A CSV's records as objects by its header's names. */
export async function csvTable(
  file: string,
  blob: Blob,
  tell?: (bytes: number) => void,
): Promise<{ table: Table | null; issues: RowIssue[] }> {
  const index = await indexCsv(blob, tell);
  if (index.length === 0) return { table: null, issues: [] };
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let header: string;
  try {
    header = decoder.decode(
      await blob.slice(index.start(0), Math.min(index.end(0), index.start(0) + MAX_ELEMENT)).arrayBuffer(),
    );
  } catch {
    return { table: null, issues: [fileIssue(file, 'it is not UTF-8', 'Save it as UTF-8.')] };
  }
  const delimiter = delimiterOf(header);
  const names = parseRecord(header, delimiter).map((name) => name.trim());
  const parse = (bytes: Uint8Array) => {
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      return { ok: false as const, reason: 'it is not UTF-8' };
    }
    const fields = parseRecord(text, delimiter);
    if (fields.length !== names.length)
      return { ok: false as const, reason: `it has ${fields.length} fields, the header ${names.length}` };
    const value = Object.fromEntries(
      names.flatMap((name, i) => {
        const content = cell(fields[i]!);
        return content === undefined ? [] : [[name, content]];
      }),
    );
    return { ok: true as const, value };
  };
  return {
    table: textTable({
      file,
      kind: delimiter === '\t' ? 'TSV' : 'CSV',
      blob,
      index,
      lineOf: (i) => index.line(i),
      parse,
      fix: 'Give the record as many fields as the header, with quotes around fields that contain quotes or line breaks.',
      skip: 1,
    }),
    issues: [],
  };
}
