/** Why files give no row at all: what was found in their place, for people to see what they dropped. */
import { plural } from '../base/counts.ts';
import { isPictureName } from '../base/picture-files.ts';
import { fileIssue, type FileSet } from './file-set.ts';
import { Ledger, type LedgerKey } from './ledger.ts';
import type { RowIssue } from './row.ts';
import { isDataFile } from './tables/open-tables.ts';
import type { Table } from './tables/table.ts';

const NAMED = 3;

/** What was passed over that explains it. */
const EXPLAINS: readonly LedgerKey[] = ['picture-without-boxes', 'crowd-skipped', 'list-not-read'];

/** “a.json, b.json, c.json and 4 more” */
const names = (paths: readonly string[]): string =>
  paths.slice(0, NAMED).join(', ') + (paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '');

export function nothingFound(
  files: FileSet,
  { tables, ledger }: { readonly tables: readonly Table[]; readonly ledger: Ledger },
): RowIssue {
  const inTables = new Set(tables.map(({ file }) => file));
  let [pictures, others] = [0, 0];
  const [unknown, beside]: [string[], string[]] = [[], []];
  for (let i = 0; i < files.count; i++) {
    const path = files.path(i);
    if (inTables.has(path)) continue;
    if (isDataFile(path)) unknown.push(path);
    else if (isPictureName(path)) pictures++;
    else if (++others <= NAMED + 1) beside.push(path);
  }
  const passedOver = Ledger.entries([ledger], () => 0).filter(({ key }) => EXPLAINS.includes(key));
  const found = [
    ...(tables.length
      ? [`${names(tables.map(({ file, kind }) => `${file} (${kind})`))} ${tables.length === 1 ? 'has' : 'have'} no row`]
      : []),
    ...(unknown.length
      ? [`${names(unknown)} ${unknown.length === 1 ? 'holds' : 'hold'} no list of rows that is known`]
      : []),
    ...passedOver.map(({ sentence }) => sentence.replace(/\.$/, '')),
    ...(pictures ? [`there ${pictures === 1 ? 'is' : 'are'} ${plural(pictures, 'picture')}`] : []),
    ...(others ? [`there ${others === 1 ? 'is' : 'are'} ${plural(others, 'other file')} (${names(beside)})`] : []),
  ];
  const reason = found.length ? `there are no rows: ${found.join('; ')}` : 'there are no files';
  return fileIssue('', reason, 'Drop a folder or zip with rows (JSON, JSONL, CSV or Parquet) and their pictures.');
}
