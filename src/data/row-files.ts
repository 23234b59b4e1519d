/** Rows as files in formats that Groundwork reads again, a writer each. Written in pieces, batch by batch. */
import { CONVENTIONS, type BoxFamily } from '../grounding/convention.ts';
import type { Size } from '../grounding/box.ts';
import type { Dataset } from './dataset.ts';
import type { RowFileFormat } from './row-file-formats.ts';
import { span, type RowList } from './row-list.ts';
import type { Row } from './row.ts';
import { promptMessages, targetText } from './target.ts';
import { writtenRows } from './written-rows.ts';

type Write = (rows: RowList, dataset: Pick<Dataset, 'naturalSize'>) => AsyncGenerator<string>;

/** Rows read together. */
const BATCH = 64;

async function* each(rows: RowList): AsyncGenerator<Row> {
  for (let from = 0; from < rows.length; from += BATCH) yield* await rows.read(span(rows, from, from + BATCH));
}

/** Thousandths need no size. */
const UNSIZED: Size = { width: 1, height: 1 };

/** `messages` of texts, boxes written as the family writes them. */
async function* messages(rows: RowList, family: Extract<BoxFamily, 'qwen2_vl' | 'qwen3_vl'>): AsyncGenerator<string> {
  const convention = CONVENTIONS[family];
  for await (const row of each(rows)) {
    const sizes = row.images.map(() => UNSIZED);
    const asked = promptMessages(row, convention, sizes).map(({ role, content }) => ({
      role,
      content: content.map((part) => (part.type === 'image' ? '<image>' : part.text)).join(''),
    }));
    const answer = { role: 'assistant', content: targetText(row, convention, sizes) };
    const { id, task, split, images } = row;
    yield `${JSON.stringify({ id, task, split, messages: [...asked, answer], images })}\n`;
  }
}

const thousandth = (v: number): number => Math.round(v * 1e3) / 1e3;

/** COCO's detection annotations: pictures, boxes in pixels, a category a name. */
async function* coco(rows: RowList, dataset: Pick<Dataset, 'naturalSize'>): AsyncGenerator<string> {
  const images = new Map<string, number>();
  const sizes: (Size | null)[] = [];
  yield '{"images":[';
  for await (const row of each(rows))
    for (const path of row.images) {
      if (images.has(path)) continue;
      const id = images.size + 1;
      const size = await dataset.naturalSize(path);
      images.set(path, id);
      sizes.push(size);
      const { width, height } = size ?? { width: 0, height: 0 };
      yield `${id > 1 ? ',' : ''}\n${JSON.stringify({ id, file_name: path, width, height })}`;
    }
  yield '],\n"annotations":[';
  const categories = new Map<string, number>();
  // Several questions may be about one object.
  const seen = new Set<string>();
  for await (const row of each(rows))
    for (const { image, box, label } of row.solution) {
      const image_id = images.get(row.images[image]!)!;
      const size = sizes[image_id - 1];
      if (!size) continue;
      const name = label ?? 'object';
      const [x1, y1, x2, y2] = box;
      const bbox = [x1 * size.width, y1 * size.height, (x2 - x1) * size.width, (y2 - y1) * size.height].map(thousandth);
      const key = `${image_id} ${name} ${bbox.join(' ')}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (!categories.has(name)) categories.set(name, categories.size + 1);
      const annotation = {
        id: seen.size,
        image_id,
        category_id: categories.get(name)!,
        bbox,
        area: thousandth(bbox[2]! * bbox[3]!),
        iscrowd: 0,
      };
      yield `${seen.size > 1 ? ',' : ''}\n${JSON.stringify(annotation)}`;
    }
  yield `],\n"categories":${JSON.stringify([...categories].map(([name, id]) => ({ id, name })))}}\n`;
}

export const ROW_FILES: Readonly<Record<RowFileFormat, Write>> = {
  marks: writtenRows,
  'messages-tokens': (rows) => messages(rows, 'qwen2_vl'),
  'messages-json': (rows) => messages(rows, 'qwen3_vl'),
  coco,
};
