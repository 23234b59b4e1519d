/** Rows written as files say what they said: read again, they are the same rows. */
import { expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { rowDigest } from '../../src/data/edits/change.ts';
import type { EditEntry } from '../../src/data/edits/edit-log.ts';
import type { Row } from '../../src/data/row.ts';
import { ROW_FILE_FORMATS, type RowFileFormat } from '../../src/data/row-file-formats.ts';
import { ROW_FILES } from '../../src/data/row-files.ts';
import { box01, iou } from '../../src/grounding/box.ts';
import { allRows, llava, open } from './make-dataset.ts';

const token = (image: number, ...n: number[]) =>
  `Image-${image}: <|box_start|>(${n[0]},${n[1]}),(${n[2]},${n[3]})<|box_end|>`;

async function mended(): Promise<Dataset> {
  const dataset = await open({
    'train.json': [
      llava(
        '<image>\n<image>\nWhere is the cat?',
        `<think>Left.</think><answer>${token(1, 100, 100, 500, 500)}</answer>`,
        2,
        { id: 'one', task: 'find' },
      ),
      llava('<image>\n<image>\nWhere is the dog?', token(2, 200, 200, 400, 400), 2, { id: 'two', task: 'find' }),
      llava('<image>\n<image>\nLocate the owl.', token(2, 200, 200, 400, 400), 2, { id: 'three', task: 'spot' }),
      llava('<image>\n<image>\nLocate the hen.', token(1, 1, 2, 3, 4), 2, { id: 'four', task: 'spot' }),
    ],
  });
  const rows = new Map((await allRows(dataset)).map((row) => [row.id, row]));
  const edit = (row: string, change: Extract<EditEntry, { kind: 'change' }>['change']): EditEntry => {
    return { kind: 'change', at: 0, row, digest: rowDigest(rows.get(row)!), change };
  };
  return dataset.withEdits([
    edit('one', { kind: 'set-box', index: 0, box: { image: 1, box: box01(0.125, 0.25, 0.5, 0.75), label: 'cat' } }),
    edit('one', { kind: 'add-box', box: { image: 0, box: box01(0.5, 0.5, 1, 1), label: 'lynx' } }),
    edit('two', { kind: 'question', text: '<image>\n<image>\nWhere is the wolf?' }),
    edit('three', { kind: 'delete-box', index: 0 }),
    edit('four', { kind: 'exclude', reason: 'too small' }),
  ]);
}

async function again(format: RowFileFormat): Promise<Dataset> {
  const dataset = await mended();
  let text = '';
  for await (const piece of ROW_FILES[format](dataset.rows('train'), dataset)) text += piece;
  return open({ [`train.${ROW_FILE_FORMATS[format].ending}`]: text });
}

const said = ({ id, task, split, images, think, nothing, solution, prompt }: Row) => ({
  id,
  task,
  split,
  images,
  think,
  nothing,
  question: prompt.at(-1)!.content.map((segment) => (segment.type === 'text' ? segment.text : segment.type)),
  solution: solution.map(({ image, label }) => ({ image, label })),
});

test.each(['marks', 'messages-tokens', 'messages-json'] as const)('%s keeps everything a row says', async (format) => {
  const [before, after] = [await allRows(await mended()), await allRows(await again(format))];
  expect(after.map(said)).toEqual(before.map(said));
  const boxes = (rows: readonly Row[]) => rows.flatMap(({ solution }) => solution.map(({ box }) => box));
  const overlaps = boxes(before).map((box, i) => iou(box, boxes(after)[i]!));
  expect(Math.min(...overlaps)).toBeGreaterThan(0.99);
  expect(before.map(({ id }) => id)).toEqual(['one', 'two', 'three']);
});

test('COCO has each picture and each object once, in pixels, without what was left out', async () => {
  const dataset = await mended();
  let text = '';
  for await (const piece of ROW_FILES.coco(dataset.rows('train'), dataset)) text += piece;
  const { images, annotations, categories } = JSON.parse(text) as Record<string, Record<string, unknown>[]>;
  expect(images).toEqual([
    { id: 1, file_name: 'images/a.png', width: 200, height: 100 },
    { id: 2, file_name: 'images/b.png', width: 200, height: 100 },
  ]);
  expect(categories!.map(({ name }) => name)).toEqual(['cat', 'lynx', 'object']);
  expect(annotations!.map(({ image_id, category_id, bbox }) => [image_id, category_id, bbox])).toEqual([
    [2, 1, [25, 25, 75, 50]],
    [1, 2, [100, 50, 100, 50]],
    [2, 3, [40, 20, 40, 20]],
  ]);
  const read = await open({ 'annotations.json': text });
  expect(read.report.format).toBe('COCO');
});
