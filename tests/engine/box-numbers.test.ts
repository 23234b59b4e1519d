/** Boxes in the numbers of their file, and in those that a model writes. */
import { expect, test } from 'vitest';
import { boxNumbers } from '../../src/engine/answers/box-numbers.ts';
import { CONVENTIONS, type BoxFamily } from '../../src/grounding/convention.ts';
import type { Processor } from '../../src/models/processor.ts';
import { allRows, open, read } from '../data/make-dataset.ts';

const rows = [
  {
    id: 'r',
    images: ['images/a.png', 'images/b.png'],
    conversations: [
      { from: 'human', value: '<image>\n<image>\nFind it.' },
      { from: 'gpt', value: 'Image-2: [20,10,120,60]' },
    ],
  },
];

/** A model that sees every picture at half its size. */
const halved = (family: BoxFamily) =>
  ({
    convention: CONVENTIONS[family],
    modelSize: ({ width, height }: { width: number; height: number }) => ({ width: width / 2, height: height / 2 }),
  }) as Processor;

const opened = async () => {
  const dataset = await open({ 'rows.json': rows }, read('rows.json', 'list', 'natural'));
  const [row] = await allRows(dataset);
  return { dataset, row: row! };
};

test('are the file’s own, whatever they mean, and those that the loaded model writes', async () => {
  const { dataset, row } = await opened();
  const file = [[20, 10, 120, 60]];
  expect(await boxNumbers(dataset, row, null)).toEqual({ file, model: null });
  expect(await boxNumbers(dataset, row, halved('qwen2_5_vl'))).toEqual({ file, model: [[10, 5, 60, 30]] });
  expect(await boxNumbers(dataset, row, halved('qwen2_vl'))).toEqual({ file, model: [[100, 100, 600, 600]] });
});

test('of an edited row are not those of its file', async () => {
  const { dataset, row } = await opened();
  const edited = { ...row, edits: { changes: 1 } } as typeof row;
  expect((await boxNumbers(dataset, edited, halved('qwen2_5_vl'))).file).toBeNull();
});
