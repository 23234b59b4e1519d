/** Published benchmarks are known by their own files, and their rows are never trained on. */
import { expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { allRows, open, pngHeader, zipped } from './make-dataset.ts';

const picture = Buffer.from(pngHeader(200, 100)).toString('base64').padEnd(260, 'A');
const tsv = (rows: readonly Record<string, unknown>[]) => {
  const cell = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;
  return [Object.keys(rows[0]!).join('\t'), ...rows.map((row) => Object.values(row).map(cell).join('\t'))].join('\n');
};

async function heldOut(dataset: Dataset, title: string, rows: number) {
  expect(dataset.report.issues).toEqual([]);
  expect(dataset.report).toMatchObject({ format: title, train: 0, heldout: rows, questions: [], leftOut: 0 });
  return allRows(dataset);
}

test('LISA’s file: the first box, in pixels, and the published prompt beside the question', async () => {
  const rows = Array.from({ length: 3 }, (_, i) => ({
    image_path: '/data/reason_seg/a.png',
    instruction: `thing ${i}`,
    boxes: [
      [20, 10, 100, 60],
      [0, 0, 5, 5],
    ],
  }));
  const [row] = await heldOut(await open({ 'lisa_val.json': rows }, { split: 'draw' }), 'LISA-Grounding', 3);
  expect(row).toMatchObject({ task: 'val', solution: [{ image: 0, box: [0.1, 0.1, 0.5, 0.6] }] });
  expect(row!.benchmark!.prompt).toBe(
    'Output the bounding box in the image corresponding to the instruction: thing 0. First output the thinking process in <think> </think> tags and then output the bounding box in <answer> </answer> tags.',
  );
});

test('LLMSeg’s nested box, ReasonVOS’s box in words, in the third picture', async () => {
  const seg = Array.from({ length: 2 }, () => ({
    image_path: 'a.png',
    question: 'what?',
    bbox: [
      [20, 10],
      [100, 60],
    ],
  }));
  const [one] = await heldOut(await open({ 'LLMSeg_eval.json': seg }), 'LLMSeg', 2);
  expect(one!.solution[0]!.box).toEqual([0.1, 0.1, 0.5, 0.6]);
  const vos = [
    { image_list: ['x/a.png', 'x/b.png', 'x/c.png'], question: 'who?', bbox_list: ['', '', '[20, 10, 100, 60]'] },
  ];
  const [two] = await heldOut(await open({ 'ReasonVOS_eval.json': vos }), 'ReasonVOS', 1);
  expect(two!.solution).toEqual([{ image: 2, box: [0.1, 0.1, 0.5, 0.6] }]);
});

test('ReVOS counts frames in the order of their numbers, not of their names', async () => {
  const frames = Object.fromEntries([0, 5, 10, 100, 20].map((n) => [`vid/f${n}.jpg`, pngHeader(200, 100)]));
  const row = { video_id: 'vid', frames: [0, 2, 3], question: 'who?', bbox_list: [null, null, [20.9, 10, 100, 60]] };
  const [read] = await heldOut(await open({ 'ReVOS_eval.json': [row, row], ...frames }), 'ReVOS', 2);
  expect(read!.images).toEqual(['vid/f0.jpg', 'vid/f10.jpg', 'vid/f20.jpg']);
  expect(read!.solution).toEqual([{ image: 2, box: [0.1, 0.1, 0.5, 0.6] }]);
  const short = await open({ 'ReVOS_eval.json': [{ ...row, frames: [0, 2, 9] }] });
  expect(short.report.issues[0]!.reason).toBe('the folder vid has 0 frames, and frame 10 is asked for');
});

test('BLINK: pictures, letter and disclaimer; rows with hidden answers are left out and say why', async () => {
  const row = (i: number, answer: string) => ({
    idx: `val_Jigsaw_${i}`,
    sub_task: 'Jigsaw',
    question: 'Which?',
    image_1: 'images/a.png',
    image_2: 'images/b.png',
    image_3: null,
    choices: ['one', 'two'],
    answer,
    prompt: 'Which?\n(A) one\n(B) two',
  });
  const dataset = await open({ 'Jigsaw/val.json': [row(1, '(B)'), row(2, '(A)')] });
  const [first] = await heldOut(dataset, 'BLINK', 2);
  expect(first).toMatchObject({
    id: 'val_Jigsaw_1',
    task: 'Jigsaw',
    images: ['images/a.png', 'images/b.png'],
    solution: [],
    benchmark: { choice: { letter: 'B', options: 2 } },
  });
  expect(first!.benchmark!.prompt).toMatch(/^Disclaimer: /);
  const hidden = await open({ 'test.json': [row(1, 'hidden')] });
  expect(hidden.report).toMatchObject({ heldout: 0, leftOut: 1 });
  expect(hidden.report.issues[0]!.reason).toContain('hidden');
});

test('MMIU: the words that Migician’s script sends', async () => {
  const row = {
    task: 'jigsaw',
    visual_input_component: 'natural image',
    source: 'x',
    options: 'A: left\nB: right',
    question: 'Which?',
    context: 'Select.\nA: left\nB: right',
    input_image_path: ['./Low/a.png', './Low/b.png'],
    output: 'B',
  };
  const [read] = await heldOut(await open({ 'test.json': [row, row] }), 'MMIU', 2);
  expect(read!.benchmark).toMatchObject({
    prompt: 'Question:\nWhich?\nSpecifically:\nSelect.\nA: left\nB: right',
    choice: { letter: 'B', options: 2 },
  });
});

test('GroundingME’s table: pictures in the rows, a rejection has nothing to find', async () => {
  const rows = [
    {
      index: 1,
      image: picture,
      question: 'the cup',
      answer: '[20, 10, 100, 60]',
      width: 200,
      height: 100,
      subtask_l1: 'Spatial',
      subtask_l2: 'left',
    },
    {
      index: 2,
      image: picture,
      question: 'the fox',
      answer: '',
      width: 200,
      height: 100,
      subtask_l1: 'Rejection',
      subtask_l2: 'object',
    },
  ];
  const dataset = await open({ 'groundingme.tsv': tsv(rows) });
  expect(dataset.report).toMatchObject({ format: 'GroundingME', train: 0, heldout: 2 });
  const [one, two] = await allRows(dataset);
  expect(one).toMatchObject({
    task: 'Spatial',
    benchmark: { group: 'left' },
    solution: [{ box: [0.1, 0.1, 0.5, 0.6] }],
  });
  expect(two).toMatchObject({ task: 'Rejection', nothing: true, solution: [] });
});

test('VLMEvalKit’s RefCOCO table: eight parts, the question as it is written there', async () => {
  const row = {
    index: 3,
    image: picture,
    question: 'Where is it?',
    category: 'RefCOCO+ test A',
    bbox_x1: 20,
    bbox_y1: 10,
    bbox_x2: 100,
    bbox_y2: 60,
    width: 200,
    height: 100,
  };
  const dataset = await open({ 'RefCOCO.tsv': tsv([row]) });
  expect(dataset.report).toMatchObject({ train: 0, heldout: 1 });
  const [read] = await allRows(dataset);
  expect(read).toMatchObject({ id: 'RefCOCO+_testA_3', task: 'RefCOCO+_testA', benchmark: { prompt: 'Where is it?' } });
});

test('lmms-lab’s RefCOCO rows, Ref-L4 and ODinW, in a zip with their pictures', async () => {
  const inside = (name: string, rows: readonly object[]) =>
    open({
      'bench.zip': zipped({
        [name]: rows.map((row) => JSON.stringify(row)).join('\n'),
        'z/a.png': pngHeader(200, 100),
      }),
    });
  const coco = {
    question_id: '1',
    image: 'z/a.png',
    question: '',
    answer: ['the cup'],
    segmentation: [1],
    bbox: [20, 10, 80, 50],
    iscrowd: 0,
    file_name: 'a.png',
  };
  const [ref] = await heldOut(await inside('RefCOCOg/val.jsonl', [coco]), 'RefCOCO/+/g', 1);
  expect(ref).toMatchObject({ task: 'RefCOCOg val', solution: [{ box: [0.1, 0.1, 0.5, 0.6] }] });
  const l4 = {
    id: '000001',
    caption: 'the cup',
    bbox: [20, 10, 80, 50],
    image_id: 1,
    file_name: 'z/a.png',
    ori_category_id: 'o365_1',
    split: 'test',
    height: 100,
    width: 200,
  };
  const [four] = await heldOut(await inside('ref-l4-test.jsonl', [l4]), 'Ref-L4', 1);
  expect(four).toMatchObject({ id: '000001', task: 'test', benchmark: { group: 'o365_1' } });
  const wild = {
    image: 'z/a.png',
    dataset_name: 'pothole',
    categories: ['pothole', 'car'],
    bboxes: [[20, 10, 100, 60]],
    labels: ['car'],
  };
  const [odinw] = await heldOut(await inside('test.jsonl', [wild, { ...wild, bboxes: [], labels: [] }]), 'ODinW-13', 2);
  expect(odinw).toMatchObject({ task: 'pothole', solution: [{ label: 'car', box: [0.1, 0.1, 0.5, 0.6] }] });
  expect(odinw!.benchmark!.prompt).toContain('´pothole, car´');
});

test('MC-Bench keeps its groups and the numbers of its pictures; RefCOCO’s own references are trained on by their part', async () => {
  const images = [4, 9].map((id, i) => ({ id, file_name: `images/${'ab'[i]}.png`, width: 200, height: 100 }));
  const annotation = { id: 1, image_id: 9, text_id: 7, category_id: 2, bbox: [20, 10, 80, 50], iscrowd: 0 };
  const mc = {
    images,
    annotations: [annotation],
    descriptions: [{ id: 7, images_id: [4, 9], text: 'the cup', positive_sample: true, text_style: 'referring' }],
    categories: [
      { id: 1, name: 'group 1' },
      { id: 2, name: 'group 2' },
    ],
  };
  const [pair] = await heldOut(await open({ 'mc-bench.json': mc }), 'MC-Bench', 1);
  expect(pair!.benchmark).toMatchObject({
    imageIds: [4, 9],
    boxes: [{ image: 1, label: 'group 2', corners: [20, 10, 100, 60] }],
  });
  const refs = ['train', 'testA'].map((split, i) => ({
    ref_id: i,
    ann_id: 1,
    image_id: 9,
    split,
    sentences: [{ sent: 'cup' }],
  }));
  const dataset = await open({
    'refcoco+/refs.json': refs,
    'refcoco+/instances.json': { images, annotations: [annotation] },
  });
  expect(dataset.report).toMatchObject({ train: 1, heldout: 1 });
  expect((await allRows(dataset)).map(({ task }) => task).toSorted()).toEqual(['RefCOCO+ testA', 'refer']);
});
