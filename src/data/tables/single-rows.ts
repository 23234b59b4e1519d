/**
 * JSON files that are a row each, as one table a folder: labels of labelme, and samples of WebDataset, whose picture has
 * the name of its row. Files that are named as a part of the data stay by themselves.
 */
import { isObject } from '../../base/json.ts';
import { PICTURE_ENDINGS } from '../../base/picture-files.ts';
import { ElementIndex } from '../../formats/element-index.ts';
import { parseJson } from '../../formats/jsonl.ts';
import type { FileSet } from '../file-set.ts';
import { rowIssue } from '../raw-row.ts';
import { guessFormat } from '../recognise.ts';
import { splitByWord } from '../split.ts';
import { byFolder } from './files-table.ts';
import type { Table, TableRow } from './table.ts';
import { linesTable } from './text-table.ts';

export interface SingleFile {
  /** In the set. */
  readonly number: number;
  readonly file: string;
  readonly blob: Blob;
}

const NAMES_PICTURES = ['image', 'images', 'image_path', 'image_paths', 'image_url', 'imgs', 'img', 'pictures'];

/** The row with the picture beside its file, if it names none of its own. */
function withPicture(value: unknown, file: string, set: FileSet): unknown {
  if (!isObject(value) || NAMES_PICTURES.some((key) => Object.hasOwn(value, key))) return value;
  if (typeof value.imagePath === 'string' || typeof value.file_name === 'string') return value;
  const stem = file.replace(/\.json$/i, '');
  const end = PICTURE_ENDINGS.find((each) => set.find(stem + each) >= 0);
  return end === undefined ? value : { ...value, image: (stem + end).slice(stem.lastIndexOf('/') + 1) };
}

export const isRow = (value: unknown, file: string, set: FileSet): boolean =>
  guessFormat(value) !== null || guessFormat(withPicture(value, file, set)) !== null;

/** A file that is one row. */
function alone({ file, blob }: SingleFile): Table {
  const index = new ElementIndex();
  index.add(0, blob.size, 1);
  return linesTable(file, blob, index);
}

const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1).replace(/\.json$/i, '');

export function singleTables(files: readonly SingleFile[], set: FileSet): Table[] {
  const numbered = new Map(files.map((each) => [each.number, each]));
  const paired = (file: string) => PICTURE_ENDINGS.some((end) => set.find(file.replace(/\.json$/i, end)) >= 0);
  const apart = files.filter(({ file }) => splitByWord(nameOf(file)) !== null && !paired(file));
  const together = files.filter((each) => !apart.includes(each)).map(({ number }) => number);
  const folders = [...byFolder(together, set)];
  return [
    ...apart.map(alone),
    ...folders.map(([folder, numbers]) => {
      const own = numbers.map((number) => numbered.get(number)!);
      return own.length === 1 && !paired(own[0]!.file) ? alone(own[0]!) : folderTable(folder, own, set);
    }),
  ];
}

function folderTable(folder: string, files: readonly SingleFile[], set: FileSet): Table {
  const name = `${folder}*.json`;
  return {
    file: name,
    kind: 'JSON files',
    format: null,
    length: files.length,
    bytes: files.length * 8,
    async *read(from, to) {
      for (const [i, one] of files.slice(from, to).entries()) yield await rowOf(one, from + i + 1);
    },
  };

  async function rowOf({ file, blob }: SingleFile, line: number): Promise<TableRow> {
    const parsed = parseJson(new Uint8Array(await blob.arrayBuffer()));
    if (parsed.ok) return { line, kind: 'value', value: withPicture(parsed.value, file, set) };
    const issue = rowIssue({ file, line: 1 }, '', parsed.reason, 'Repair the file, or export it again.');
    return { line, kind: 'bad', issue };
  }
}
