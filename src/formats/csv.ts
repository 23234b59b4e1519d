/** Comma-separated values (RFC 4180), also with semicolons or tabs: where the records are, and what one says. */
import { ElementIndex, readChunks } from './element-index.ts';

const [QUOTE, NEWLINE] = [34, 10];

/** The records, the header among them. A line break inside quotes belongs to the record. */
export async function indexCsv(blob: Blob, tell?: (bytes: number) => void): Promise<ElementIndex> {
  const index = new ElementIndex();
  let [line, startLine, start, inQuotes, content] = [1, 1, 0, false, false];
  for await (const { at, bytes } of readChunks(blob, tell))
    for (let i = 0; i < bytes.length; i++) {
      const c = bytes[i]!;
      if (c === QUOTE) inQuotes = !inQuotes; // a doubled quote turns it off and on again
      if (c === NEWLINE) {
        line++;
        if (inQuotes) continue;
        if (content) index.add(start, at + i, startLine);
        [start, startLine, content] = [at + i + 1, line, false];
      } else if (c !== 13 && c !== 32) content = true;
    }
  if (content) index.add(start, blob.size, startLine);
  return index;
}

/** The fields of one record. */
export function parseRecord(text: string, delimiter: string): string[] {
  const fields: string[] = [];
  let at = 0;
  const end = text.endsWith('\r') ? text.length - 1 : text.length;
  while (at <= end) {
    if (text[at] === '"') {
      let field = '';
      at++;
      for (;;) {
        const quote = text.indexOf('"', at);
        if (quote < 0) {
          field += text.slice(at, end);
          at = end;
          break;
        }
        field += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        field += '"';
        at++;
      }
      fields.push(field);
      const next = text.indexOf(delimiter, at);
      at = next < 0 ? end + 1 : next + 1;
    } else {
      const next = text.indexOf(delimiter, at);
      const stop = next < 0 || next > end ? end : next;
      fields.push(text.slice(at, stop));
      at = stop + 1;
    }
  }
  return fields;
}

/** The delimiter that a header uses most. */
export function delimiterOf(header: string): string {
  const outside = header.replace(/"[^"]*"/g, '');
  const counts = [',', '\t', ';'].map((d) => [d, outside.split(d).length] as const);
  return counts.reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}
