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

/** Two pictures of 400 × 300; `change` makes the annotations and the pictures what they are. */
const two = (annotation: (i: number) => object, image: (i: number) => object = () => ({}), top: object = {}) => ({
  'p/0.png': pngHeader(400, 300),
  'p/1.png': pngHeader(400, 300),
  'set.json': {
    images: [0, 1].map((i) => ({ id: i, file_name: `p/${i}.png`, width: 400, height: 300, ...image(i) })),
    annotations: [0, 1].map((i) => ({ id: i, image_id: i, category_id: 1, bbox: [40, 30, 80, 60], ...annotation(i) })),
    categories: [{ id: 1, name: 'cow' }],
    ...top,
  },
});
const plain = [[0.1, 0.1, 0.3, 0.3]];
const boxesOf = async (files: ReturnType<typeof two>) => {
  const dataset = await open(files);
  return { dataset, boxes: (await allRows(dataset)).map(({ solution }) => solution.map(({ box }) => [...box])) };
};

test('boxes written as text, and the box around an outline that has none, are read', async () => {
  for (const bbox of [['40', '30', '80', '60'], '[40, 30, 80, 60]'])
    expect((await boxesOf(two(() => ({ bbox })))).boxes).toEqual([plain, plain]);
  const outline = { bbox: undefined, segmentation: [[40, 30, 120, 30, 80, 90]] };
  const { dataset, boxes } = await boxesOf(two(() => outline));
  expect(boxes).toEqual([plain, plain]);
  expect(dataset.report.ledger).toMatchObject([{ key: 'boxes-of-outlines', count: 2 }]);
});

test('crowds and regions to ignore are skipped however they are marked', async () => {
  for (const mark of [{ iscrowd: true }, { iscrowd: '1' }, { ignore: 1 }]) {
    const { dataset } = await boxesOf(two((i) => (i === 0 ? mark : {})));
    expect(dataset.report.ledger.find(({ key }) => key === 'crowd-skipped')).toMatchObject({ count: 1 });
    expect(dataset.report.train + dataset.report.heldout).toBe(1);
  }
});

test('two pictures with one id share no boxes: they are named and left out', async () => {
  const { dataset, boxes } = await boxesOf(
    two(
      () => ({ image_id: 7 }),
      () => ({ id: 7 }),
    ),
  );
  expect(boxes).toEqual([]);
  expect(dataset.report.issues[0]!.reason).toContain('two pictures have the id 7: p/0.png and p/1.png');
});

test('a category without a name is told; a name in the annotation, and a file by its address, are taken', async () => {
  const bare = await boxesOf(two(() => ({}), undefined, { categories: undefined }));
  expect(bare.dataset.report.ledger).toMatchObject([{ key: 'classes-by-number', rows: 2 }]);
  const named = two(
    () => ({ category_id: undefined, category_name: 'goat' }),
    (i) => ({
      file_name: undefined,
      coco_url: `http://images.example/p/${i}.png`,
    }),
  );
  const rows = await allRows(await open(named));
  expect(rows.map(({ solution: [box] }) => box!.label)).toEqual(['goat', 'goat']);
});

/** A JPEG's beginning with an EXIF orientation: enough to be measured. */
function turnedJpeg(width: number, height: number, orientation: number): Uint8Array<ArrayBuffer> {
  const exif = [
    0xff,
    0xe1,
    0,
    34,
    0x45,
    0x78,
    0x69,
    0x66,
    0,
    0,
    0x4d,
    0x4d,
    0,
    42,
    0,
    0,
    0,
    8,
    0,
    1,
    1,
    0x12,
    0,
    3,
    0,
    0,
    0,
    1,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  const frame = [
    0xff,
    0xc0,
    0,
    17,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    3,
    1,
    0x22,
    0,
    2,
    0x11,
    1,
    3,
    0x11,
    1,
  ];
  return new Uint8Array([0xff, 0xd8, ...exif, ...frame, 0xff, 0xd9]);
}

test('boxes on pictures that EXIF turns: by the declared size, as stored or as shown, and it is told', async () => {
  const turned = (width: number, height: number, at: (i: number) => number[]) => ({
    ...Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`p/${i}.jpg`, turnedJpeg(400, 300, 6)])),
    'set.json': {
      images: Array.from({ length: 24 }, (_, i) => ({ id: i, file_name: `p/${i}.jpg`, width, height })),
      annotations: Array.from({ length: 24 }, (_, i) => ({ id: i, image_id: i, category_id: 1, bbox: at(i) })),
      categories: [{ id: 1, name: 'cow' }],
    },
  });
  // Stored 400 × 300, shown 300 × 400. The stored picture's left edge is at the top when it is shown.
  const stored = await open(turned(400, 300, (i) => [13 * i, 20, 90, 250]));
  expect(stored.report.ledger.find(({ key }) => key === 'turned-picture')).toMatchObject({ rows: 24 });
  const [first] = (await allRows(stored)).filter(({ source }) => source.line === 1);
  expect(stored.report.conventions).toMatchObject([{ way: 'declared' }]);
  expect(['listed', 'stored']).toContain(stored.report.conventions[0]!.space);
  expect(first!.solution[0]!.box.map((n) => Math.round(n * 1000) / 1000)).toEqual([0.1, 0, 0.933, 0.225]);
  const shown = await open(turned(300, 400, (i) => [20, 13 * i, 250, 90]));
  expect(shown.report.conventions).toMatchObject([{ space: 'natural', ambiguous: false }]);
});

test('ids and names that are objects with a toString of their own are no ids, and break nothing', async () => {
  const odd = { toString: 1, valueOf: 1 };
  const { report } = await open({
    'a.json': {
      images: [
        { id: odd, file_name: 'images/a.png' },
        { id: odd, file_name: 'images/b.png' },
        { id: 3, file_name: 'images/c.png' },
      ],
      annotations: [
        { id: odd, image_id: odd, category_id: odd, bbox: [1, 1, 9, 9] },
        { id: 2, image_id: 3, category_id: 1, bbox: [1, 1, 9, 9] },
        { id: 4, image_id: { toString: 2 }, category_id: 1, bbox: [1, 1, 9, 9] },
      ],
      categories: [{ id: odd, name: odd }],
    },
  });
  expect(report.train + report.heldout).toBe(1);
  expect(report.issues.map(({ reason }) => reason).join('\n')).toContain('{"toString":2}');
});
