/** One answer settles one file and one way of writing; what is certain is overturned by none of another file. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import type { DatasetOptions } from '../../src/data/dataset-ref.ts';
import { allRows, llava, open, pngHeader, read } from './make-dataset.ts';

const silent = { tell: () => undefined };
const bare = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    llava('<image>Where?', `[${20 + i}, 10, ${100 + i}, 50]`, 1, { images: ['images/a.png'] }),
  );
/** Thousandths all over, which as pixels would leave pictures of 200 × 100. */
const thousandths = (count: number) => {
  const random = new Random(3);
  return Array.from({ length: count }, () => {
    const [x, y] = [random.below(900), random.below(900)];
    return llava('<image>Where?', `[${x}, ${y}, ${x + 90}, ${y + 95}]`, 1);
  });
};
const boxOf = async (dataset: Dataset, file: string) =>
  (await allRows(dataset)).find(({ source }) => source.file === file && source.line === 1)!.solution[0]!.box;
const asked = ({ report }: Dataset) =>
  report.questions.map((each) => (each.kind === 'convention' ? each.file : each.kind));

describe('two files in doubt', () => {
  const files = { 'own.json': bare(2), 'pub.json': bare(2) };

  test('each has its own question with its own guess, and an answer settles one', async () => {
    const dataset = await open(files);
    expect(asked(dataset)).toEqual(['own.json', 'pub.json']);
    const once = await dataset.reread(read('own.json', 'list', 'natural'), silent);
    expect(asked(once)).toEqual(['pub.json']);
    const readings = [
      ...read('own.json', 'list', 'natural').readings!,
      ...read('pub.json', 'list', 'thousand').readings!,
    ];
    const both = await once.reread({ readings }, silent);
    expect(asked(both)).toEqual([]);
    expect(await boxOf(both, 'own.json')).toEqual([0.1, 0.1, 0.5, 0.5]);
    expect(await boxOf(both, 'pub.json')).toEqual([0.02, 0.01, 0.1, 0.05]);
  });

  test('an answer that is taken back is asked about again', async () => {
    const settled = await open(files, read('own.json', 'list', 'thousand'));
    const again = await settled.reread({}, silent);
    expect(asked(again)).toEqual(['own.json', 'pub.json']);
    expect(await boxOf(again, 'own.json')).toEqual([0.1, 0.1, 0.5, 0.5]);
  });
});

describe('options of a project stored before each file had its own answer', () => {
  const former: DatasetOptions = { conventions: { list: { space: 'natural', layout: 'xywh' } } };

  test('settle the files that are open, and become one answer a file', async () => {
    const dataset = await open({ 'a.json': bare(2), 'b.json': bare(3) }, former);
    expect(asked(dataset)).toEqual([]);
    expect(dataset.report.options.conventions).toBeUndefined();
    expect(dataset.report.options.readings).toEqual([
      { file: 'a.json', way: 'list', space: 'natural', layout: 'xywh' },
      { file: 'b.json', way: 'list', space: 'natural', layout: 'xywh' },
    ]);
    const next = await open({ 'a.json': bare(2), 'b.json': bare(3) }, dataset.report.options);
    expect(next.report.id).toBe(dataset.report.id);
  });

  test('do not overturn what is certain of one of several files', async () => {
    const dataset = await open({ 'a.json': bare(2), 'sure.json': thousandths(60) }, former);
    expect(dataset.report.conventions).toMatchObject([
      { file: 'a.json', space: 'natural', layout: 'xywh', settled: true },
      { file: 'sure.json', space: 'thousand', layout: 'xyxy', ambiguous: false },
    ]);
    expect(dataset.report.options.readings).toHaveLength(1);
  });

  test('hold for the only file, as they did', async () => {
    const dataset = await open(
      { 'sure.json': thousandths(60) },
      { conventions: { list: { space: 'percent', layout: 'xyxy' } } },
    );
    expect(dataset.report.conventions).toMatchObject([{ space: 'percent', settled: true }]);
  });
});

test('a reading with a resize is kept with its numbers, and changes the dataset’s id', async () => {
  const pictures = { 'p/p.png': pngHeader(3000, 2000) };
  const rows = [llava('<image>Where?', '[148, 98, 742, 490]', 1, { images: ['p/p.png'] })];
  const at = (maxPixels: number): DatasetOptions => ({
    readings: [
      {
        file: 'a.json',
        way: 'list',
        space: 'model',
        layout: 'xyxy',
        resize: { kind: 'budget', factor: 28, minPixels: 3136, maxPixels },
      },
    ],
  });
  const dataset = await open({ ...pictures, 'a.json': rows }, at(1_470_000));
  const box = await boxOf(dataset, 'a.json');
  [148 / 1484, 0.1, 0.5, 0.5].forEach((v, k) => expect(box[k]).toBeCloseTo(v, 12));
  expect(dataset.report.options).toEqual(at(1_470_000));
  const other = await dataset.reread(at(1_003_520), silent);
  expect(other.report.id).not.toBe(dataset.report.id);
  expect((await boxOf(other, 'a.json'))[2]).toBeCloseTo(742 / 1204, 12);
});
