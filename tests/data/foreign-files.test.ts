/** What people bring in forms that are not read is named, with the way round, once for all files of a kind. */
import { describe, expect, test } from 'vitest';
import { allRows, llava, open, pngHeader } from './make-dataset.ts';

const via = {
  'a.jpg9': {
    filename: 'a.jpg',
    size: 9,
    regions: [{ shape_attributes: { name: 'rect', x: 1, y: 2, width: 30, height: 40 }, region_attributes: {} }],
  },
};
const json = (value: unknown): string => JSON.stringify(value);

describe('a file in a form that is known is told by its name', () => {
  test.each<[name: string, file: string, content: string, what: string, fix: string]>([
    ['KITTI', 'label_2/7.txt', `Van 0 1 1.5 3 4 50 60 ${'1.2 '.repeat(6)}-0.7\n`, 'KITTI', 'COCO'],
    ['DOTA', 'labelTxt/7.txt', '1 2 30 2 30 40 1 40 small-vehicle 1\n', 'DOTA', 'upright box'],
    ['DOTA with a head', 'labelTxt/8.txt', 'imagesource:x\ngsd:0.2\n1 2 3 4 5 6 7 8 ship 0\n', 'DOTA', 'upright box'],
    ['MOT', 'seq/gt/gt.txt', '1,4,10,20,30,40,1,1,0.8\n', 'MOTChallenge', 'COCO'],
    ['detections of MOT', 'seq/det/det.txt', '1,-1,10.5,20,30,40,0.9,-1,-1,-1\n', 'MOTChallenge', 'COCO'],
    ['VisDrone', 'annotations/7.txt', '68,8,27,11,1,4,0,0\n', 'VisDrone', 'COCO'],
    ['WIDER FACE', 'gt.txt', '0--March/x.jpg\n1\n4 3 12 14 0 0 0 0 0 0\n', 'WIDER FACE', 'COCO'],
    ['boxes behind names', 'train.txt', 'images/a.jpg 1,2,30,40,0 5,6,70,80,1\n', 'behind the names', 'YOLO'],
    ['Flickr30k Entities', 'Sentences/7.txt', '[/EN#7/people A man] sits .\n', 'Flickr30k', 'each phrase'],
    [
      'CrowdHuman',
      'train.odgt',
      json({ ID: '7', gtboxes: [{ tag: 'person', vbox: [1, 2, 3, 4] }] }),
      'CrowdHuman',
      'vbox',
    ],
    ['VIA', 'via.json', json(via), 'VIA', 'as COCO'],
    ['a project of VIA', 'p.json', json({ _via_settings: {}, _via_img_metadata: via }), 'VIA', 'as COCO'],
    [
      'VIA 3',
      'v.json',
      json({ project: {}, config: {}, attribute: {}, file: {}, metadata: {}, view: {} }),
      'VIA',
      'COCO',
    ],
    [
      'Supervisely',
      'ds/ann/a.png.json',
      json({ size: {}, objects: [{ classTitle: 'cup' }] }),
      'Supervisely',
      'as COCO',
    ],
    ['GQA', 'q.json', json({ 7: { question: 'What?', imageId: '8', answer: 'a cup' } }), 'GQA', 'imageId'],
    ['scene graphs', 's.json', json({ 7: { objects: { 8: { name: 'cup', x: 1, y: 2, w: 3, h: 4 } } } }), 'GQA', 'bbox'],
    [
      'SA-1B',
      'sa_1.json',
      json({ image: { image_id: 1 }, annotations: [{ bbox: [1], predicted_iou: 1 }] }),
      'SA-1B',
      'named',
    ],
    ['Cityscapes', 'x_polygons.json', json({ imgHeight: 9, imgWidth: 9, objects: [] }), 'Cityscapes', 'COCO'],
    ['Arrow', 'train/data-00000-of-00001.arrow', 'x', 'Arrow', 'to_parquet'],
    ['Feather', 'rows.feather', 'ARROW1', 'Feather', 'read_feather'],
    ['TFRecord', 'train.tfrecord-00000-of-00002', 'x', 'TFRecord', 'Parquet'],
    ['HDF5', 'rows.h5', 'x', 'HDF5', 'Parquet'],
    ['NumPy', 'boxes.npz', 'x', 'NumPy', 'Parquet'],
    ['a spreadsheet', 'rows.xlsx', 'x', 'spreadsheet', 'CSV'],
    ['what is packed otherwise', 'rows.tar.zst', 'x', 'packed', 'Unpack'],
    ['classes of WebDataset', 'a.cls', '3', 'WebDataset', 'boxes'],
  ])('%s', async (_, file, content, what, fix) => {
    const { report } = await open({ [file]: content });
    expect(report.issues).toMatchObject([{ file, severity: 'warning' }]);
    expect(report.issues[0]!.reason).toContain(what);
    expect(report.issues[0]!.fix).toContain(fix);
    expect(report.ledger).toMatchObject([{ key: 'file-not-read', count: 1 }]);
  });

  test('phrases of MDETR are not taken for classes of COCO', async () => {
    const { report } = await open({
      'm.json': {
        images: [{ id: 1, file_name: 'a.png', caption: 'the cup' }],
        annotations: [{ id: 1, image_id: 1, bbox: [1, 2, 3, 4], category_id: 1, tokens_positive: [[4, 7]] }],
        categories: [{ id: 1, name: 'object' }],
      },
    });
    expect(report.issues[0]!.reason).toContain('tokens_positive');
  });

  test('a table without names of columns', async () => {
    const { report } = await open({ 'a.csv': 'images/a.jpg,1,2,30,40,cup\nimages/b.jpg,1,2,30,40,cup\n' });
    expect(report.issues[0]!.reason).toContain('names no columns');
  });
});

test('many files of a kind are one line, and rows beside them are read', async () => {
  const labels = Array.from({ length: 30 }, (_, i) => [`labels/${i}.txt`, '68,8,27,11,1,4,0,0\n'] as const);
  const dataset = await open({
    ...Object.fromEntries(labels),
    'a.png': pngHeader(200, 100),
    'train.json': [llava('<image>Where?', '[20, 10, 100, 60]', 1, { images: ['a.png'] })],
  });
  expect(dataset.report.issues.map(({ reason }) => reason)).toEqual([
    'these are boxes in the form of VisDrone, which are not read (and 29 files more of this kind)',
  ]);
  expect(await allRows(dataset)).toHaveLength(1);
});

describe('files that are a row each', () => {
  const sample = (i: number) => ({
    conversations: [
      { from: 'human', value: `<image>\nWhere is ${i}?` },
      { from: 'gpt', value: `[${i}, 10, ${i + 90}, 60]` },
    ],
  });
  const shards = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [
      [`shard/${i}.png`, pngHeader(200, 100)] as const,
      [`shard/${i}.json`, sample(i)] as const,
    ]).flat(),
  );

  test('are one table with one question, and their pictures are those of their names', async () => {
    const dataset = await open(shards);
    expect(dataset.report.conventions).toMatchObject([{ file: 'shard/*.json', boxes: 12 }]);
    const pictures = (await allRows(dataset)).map(({ images }) => images);
    expect(pictures.flat().sort()).toEqual(
      Object.keys(shards)
        .filter((path) => path.endsWith('.png'))
        .sort(),
    );
  });

  test('and named as parts of the data stay apart', async () => {
    const one = (i: number) => ({ ...sample(i), image: 'a.png' });
    const dataset = await open({ 'a.png': pngHeader(200, 100), 'train.json': one(1), 'test.json': one(2) });
    expect(dataset.report.conventions.map(({ file }) => file).sort()).toEqual(['test.json', 'train.json']);
    expect((await allRows(dataset)).map(({ split }) => split).sort()).toEqual(['heldout', 'train']);
  });
});
