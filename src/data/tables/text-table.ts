/** Tables of JSON elements and CSV records, read from their file by place. */
import { readElements, type ElementIndex } from '../../formats/element-index.ts';
import { delimiterOf, indexCsv, parseRecord } from '../../formats/csv.ts';
import { MAX_ELEMENT, parseJson } from '../../formats/jsonl.ts';
import { fileIssue } from '../file-set.ts';
import { rowIssue } from '../raw-row.ts';
import type { RowIssue } from '../row.ts';
import type { Table, TableRow } from './table.ts';

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
}

function textTable({ file, kind, blob, index, lineOf, parse, fix, skip = 0 }: TextTableParts): Table {
  const bad = (line: number, reason: string): TableRow => ({
    line,
    kind: 'bad',
    issue: rowIssue({ file, line }, '', reason, fix),
  });
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
          yield parsed.ok ? { line: lineOf(i), kind: 'value', value: parsed.value } : bad(lineOf(i), parsed.reason);
        }
        next = stop;
      }
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
