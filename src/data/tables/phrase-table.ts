/**
 * Referring expressions that lie several to a box in one row: each is a question of its own, as RefCOCO counts them and
 * as those who train and score on it do.
 */
import { Column } from '../../base/columns.ts';
import type { Table, TableRow } from './table.ts';

/** Where rows with a box keep their phrases: lmms-lab's Parquet, rows of references, MiniGPT-4's. */
const KEYS = ['answer', 'sentences', 'sents'] as const;
/** Rows that are looked at to know whether a file has phrases at all. */
const LOOKED_AT = 20;

type Fields = Readonly<Record<string, unknown>>;

function phrasesOf(row: TableRow): { readonly key: string; readonly phrases: readonly unknown[] } | null {
  if (row.kind !== 'value' || typeof row.value !== 'object' || row.value === null) return null;
  const value = row.value as Fields;
  if (!Array.isArray(value.bbox)) return null;
  for (const key of KEYS) {
    const list = value[key];
    if (Array.isArray(list) && list.length && list.every((each) => typeof each === 'string'))
      return { key, phrases: list };
  }
  return null;
}

/** The table itself where no row has several phrases. Reads it once where some of its first rows have any. */
export async function withPhrases(table: Table): Promise<Table> {
  let any = false;
  for await (const row of table.read(0, Math.min(LOOKED_AT, table.length))) any ||= phrasesOf(row) !== null;
  if (!any) return table;
  const [element, phrase] = [new Column(Uint32Array), new Column(Uint32Array)];
  let place = 0;
  for await (const row of table.read(0, table.length)) {
    const count = phrasesOf(row)?.phrases.length ?? 1;
    for (let k = 0; k < count; k++) {
      element.push(place);
      phrase.push(k);
    }
    place++;
  }
  if (element.length === table.length) return table;
  const { file, kind, format, picture } = table;
  return {
    file,
    kind,
    format,
    length: element.length,
    bytes: table.bytes + element.bytes + phrase.bytes,
    async *read(from, to) {
      const stop = Math.min(to, element.length);
      if (from >= stop) return;
      let next = from;
      let at = element.get(from);
      for await (const row of table.read(at, element.get(stop - 1) + 1)) {
        const found = phrasesOf(row);
        for (; next < stop && element.get(next) === at; next++) {
          if (row.kind !== 'value' || !found || found.phrases.length < 2) yield row;
          else {
            const k = phrase.get(next);
            yield { ...row, value: { ...(row.value as Fields), [found.key]: [found.phrases[k]] }, phrase: k };
          }
        }
        at++;
      }
    },
    ...(picture && { picture: (name: string) => picture.call(table, name) }),
  };
}
