/** Comma-separated values as spreadsheets read them (RFC 4180). */

/** A text, quoted; one that a spreadsheet would run as a formula is marked as text. */
export const csvText = (text: string): string =>
  `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

export const csvLine = (fields: readonly string[]): string => `${fields.join(',')}\r\n`;

const [QUOTE, NEWLINE] = [34, 10];

/** Where records end. A quote opens a quoted cell only where the cell begins: elsewhere it is a character like others. */
export class RecordEnds {
  readonly #delimiter: number;
  #state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** Whether this character ends a record. */
  take(code: number): boolean {
    if (this.#state === 'quoted') {
      if (code === QUOTE) this.#state = 'closed';
      return false;
    }
    // A doubled quote inside a quoted cell.
    if (code === QUOTE && this.#state !== 'plain') this.#state = 'quoted';
    else this.#state = code === this.#delimiter || code === NEWLINE ? 'start' : 'plain';
    return code === NEWLINE;
  }
}

export const firstLine = (text: string): string => text.slice(0, text.search(/\n|$/));

/** A whole table: a record after the header by the header's names; cells that it lacks are empty. */
export function parseTable(text: string): Readonly<Record<string, string>>[] {
  const whole = text.replace(/^\ufeff/, '');
  const delimiter = delimiterOf(firstLine(whole));
  const ends = new RecordEnds(delimiter);
  const records: string[][] = [];
  for (let start = 0, i = 0; i <= whole.length; i++) {
    if (i < whole.length && !ends.take(whole.charCodeAt(i))) continue;
    const record = whole.slice(start, i);
    if (record.trim() !== '') records.push(parseRecord(record, delimiter));
    start = i + 1;
  }
  const [names = [], ...rows] = records;
  return rows.map((row) => Object.fromEntries(names.map((name, i) => [name.trim(), row[i] ?? ''])));
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
      const next = text.indexOf(delimiter, at);
      const stop = next < 0 || next > end ? end : next;
      fields.push(field + text.slice(at, stop));
      at = stop + 1;
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
