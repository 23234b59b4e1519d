import { zipSync } from 'fflate';
import { openDataset, type Dataset } from '../../src/data/dataset.ts';
import type { DatasetOptions, Reading } from '../../src/data/dataset-ref.ts';
import type { NamedFile } from '../../src/data/file-set.ts';
import type { Row } from '../../src/data/row.ts';
import { span, type RowList } from '../../src/data/row-list.ts';

/** A PNG of this size without its pixels: enough for whoever only measures it. */
export function pngHeader(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(45);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const data = new DataView(bytes.buffer);
  data.setUint32(16, width);
  data.setUint32(20, height);
  bytes.set([0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82], 33);
  bytes[24] = 8;
  bytes[25] = 2;
  return bytes;
}

export type Content = string | Uint8Array<ArrayBuffer> | object;

const bytesOf = (content: Content): Uint8Array<ArrayBuffer> =>
  content instanceof Uint8Array
    ? content
    : new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));

export const named = (files: Record<string, Content>): NamedFile[] =>
  Object.entries(files).map(([path, content]) => ({ path, file: new Blob([bytesOf(content)]) }));

export const zipped = (files: Record<string, Content>): Uint8Array<ArrayBuffer> =>
  zipSync(Object.fromEntries(Object.entries(files).map(([path, content]) => [path, bytesOf(content)])), {
    level: 6,
  }) as Uint8Array<ArrayBuffer>;

/** Three pictures a, b, c of 200 × 100, and the files given. */
export const open = (files: Record<string, Content>, options?: DatasetOptions): Promise<Dataset> =>
  openDataset(
    'test',
    named({
      'images/a.png': pngHeader(200, 100),
      'images/b.png': pngHeader(200, 100),
      'images/c.png': pngHeader(200, 100),
      ...files,
    }),
    options,
  );

/** The user's answer for one file. */
export const read = (
  file: string,
  way: Reading['way'],
  space: Reading['space'],
  layout: Reading['layout'] = 'xyxy',
): DatasetOptions => ({ readings: [{ file, way, space, layout }] });

export const listed = (rows: RowList): Promise<Row[]> => rows.read(span(rows, 0, rows.length));

export const allRows = async (dataset: Dataset): Promise<Row[]> => [
  ...(await listed(dataset.rows('train'))),
  ...(await listed(dataset.rows('heldout'))),
];

/** The one row of a dataset; its issues where there is none. */
export async function only(dataset: Dataset): Promise<Row> {
  const [row] = await allRows(dataset);
  if (!row) throw new Error(JSON.stringify(dataset.report.issues));
  return row;
}

/** A LLaVA row about pictures a, b, … */
export const llava = (question: string, answer: string, pictures = 3, extra: object = {}) => ({
  images: ['a', 'b', 'c'].slice(0, pictures).map((name) => `images/${name}.png`),
  conversations: [
    { from: 'human', value: question },
    { from: 'gpt', value: answer },
  ],
  ...extra,
});
