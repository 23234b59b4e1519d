/** Many small files with a picture's boxes each, as one table: annotations of VOC and CVAT, labels of YOLO. */
import { fileIssue, type FileSet } from '../file-set.ts';
import type { FormatName, ReadRow } from '../raw-row.ts';
import type { Table, TableRow } from './table.ts';

export interface FileRows {
  /** What names the files together: `labels/*.txt`. */
  readonly name: string;
  readonly kind: string;
  readonly format: FormatName;
  readonly files: readonly number[];
  /** The row that a file's text is. */
  read(text: string, file: string): ReadRow;
}

export function filesTable(set: FileSet, { name, kind, format, files, read }: FileRows): Table {
  return {
    file: name,
    kind,
    format,
    length: files.length,
    bytes: files.length * 8,
    async *read(from, to) {
      for (const number of files.slice(from, to)) yield await rowOf(number);
    },
  };

  async function rowOf(number: number): Promise<TableRow> {
    const file = set.path(number);
    try {
      const row = read(await (await set.open(number)).text(), file);
      if (row.ok) return { line: 1, kind: 'raw', raw: { ...row.row, format } };
      return { line: 1, kind: 'bad', issue: row.issues[0]! };
    } catch (error) {
      return {
        line: 1,
        kind: 'bad',
        issue: { ...fileIssue(file, (error as Error).message, 'Open the dataset again.'), line: 1 },
      };
    }
  }
}

export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

/** Files by their folder. */
export function byFolder(files: readonly number[], set: FileSet): Map<string, number[]> {
  const folders = new Map<string, number[]>();
  for (const file of files) {
    const folder = folderOf(set.path(file));
    const own = folders.get(folder);
    if (own) own.push(file);
    else folders.set(folder, [file]);
  }
  return folders;
}
