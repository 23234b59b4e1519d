/** COCO is doubted like everything else, and one bad annotation costs that annotation. */
import { expect, test } from 'vitest';
import { allRows, open, pngHeader, read } from './make-dataset.ts';

const sheet = (
  boxes: readonly (readonly number[])[],
  size = { width: 400, height: 300 },
  ids: readonly string[] = [],
) => {
  const images = boxes.map((_, i) => ({ id: i + 1, file_name: `p/${i}.png`, ...size }));
  const annotations = boxes.map((bbox, i) => ({ id: i + 1, image_id: i + 1, category_id: 1, bbox }));
  let text = JSON.stringify({ images, annotations, categories: [{ id: 1, name: 'cow' }] });
  for (const [i, id] of ids.entries())
    text = text
      .replaceAll(`"id":${i + 1},"file_name"`, `"id":${id},"file_name"`)
      .replaceAll(`"image_id":${i + 1},`, `"image_id":${id},`);
  return { ...Object.fromEntries(boxes.map((_, i) => [`p/${i}.png`, pngHeader(400, 300)])), 'set.json': text };
};
const all = (n: number, at: (i: number) => readonly number[]) => Array.from({ length: n }, (_, i) => at(i));

test('boxes as fractions are asked about, not read as boxes of one pixel', async () => {
  const { report } = await open(sheet(all(4, (i) => [0.1 + i / 20, 0.2, 0.3, 0.4])));
  expect(report.conventions).toMatchObject([{ space: 'fraction', layout: 'xywh', ambiguous: true }]);
});

test('two corners in place of width and height are asked about', async () => {
  const { report } = await open(sheet(all(20, (i) => [10 * i, 5 * i, 10 * i + 200, 5 * i + 190])));
  expect(report.conventions).toMatchObject([{ space: 'natural', layout: 'xyxy', ambiguous: true }]);
});

test('pictures that were shrunk afterwards are scaled by the sizes of the file where only those fit, and it is told', async () => {
  const boxes = all(20, (i) => [30 * i, 20 * i, 200, 180]);
  const dataset = await open(sheet(boxes, { width: 800, height: 600 }));
  expect(dataset.report.conventions).toMatchObject([{ space: 'listed', layout: 'xywh', ambiguous: false }]);
  expect(dataset.report.ledger.find(({ key }) => key === 'other-size')).toMatchObject({ rows: 20 });
  const first = (await allRows(dataset)).find(({ source }) => source.line === 2)!;
  expect(first.solution[0]!.box).toEqual([30 / 800, 20 / 600, 230 / 800, 200 / 600]);
});

test('where both sizes fit it is asked, and the answer settles it', async () => {
  const files = sheet(
    all(6, (i) => [10 * i, 10, 100, 80]),
    { width: 800, height: 600 },
  );
  const dataset = await open(files);
  expect(dataset.report.questions).toMatchObject([{ kind: 'convention', file: 'set.json', way: 'declared' }]);
  const settled = await dataset.reread(read('set.json', 'declared', 'listed', 'xywh'), { tell: () => undefined });
  expect(settled.report.questions).toEqual([]);
  expect((await allRows(settled)).find(({ source }) => source.line === 1)!.solution[0]!.box[2]).toBeCloseTo(0.125, 12);
});

test('one box without an area and one outside cost those boxes, not their rows', async () => {
  const annotation = (bbox: readonly number[]) => ({ image_id: 1, category_id: 1, bbox });
  const good = [
    [10, 10, 40, 30],
    [60, 10, 40, 30],
    [110, 40, 40, 60],
    [200, 180, 90, 90],
  ];
  const dataset = await open({
    'p/0.png': pngHeader(400, 300),
    'set.json': {
      images: [{ id: 1, file_name: 'p/0.png', width: 400, height: 300 }],
      annotations: [...good, [10, 10, 40, 0], [380, 10, 60, 40]].map(annotation),
      categories: [{ id: 1, name: 'cow' }],
    },
  });
  expect(dataset.report).toMatchObject({ leftOut: 0, questions: [] });
  expect((await allRows(dataset))[0]!.solution).toHaveLength(4);
  expect(dataset.report.ledger.find(({ key }) => key === 'boxes-dropped')).toMatchObject({ rows: 1 });
});

test('ids beyond 2^53 stay apart', async () => {
  const files = sheet(
    [
      [10, 10, 40, 30],
      [200, 100, 60, 50],
    ],
    { width: 400, height: 300 },
    ['9007199254740993', '9007199254740992'],
  );
  const rows = await allRows(await open(files));
  expect(rows).toHaveLength(2);
  expect(new Set(rows.map(({ images }) => images[0]))).toEqual(new Set(['p/0.png', 'p/1.png']));
});
