import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allRows, listed, llava, named, only, open, pngHeader, read } from './make-dataset.ts';
import { openDataset } from '../../src/data/dataset.ts';

const picture = pngHeader(200, 100);
const jsonl = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');

describe('TRL', () => {
  test('prompt and completion as conversations, with images', async () => {
    const dataset = await open({
      'a.jsonl': jsonl([
        {
          prompt: [{ role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'Where is the cat?' }] }],
          completion: [{ role: 'assistant', content: [{ type: 'text', text: '(100,200),(300,400)' }] }],
          images: ['images/a.png'],
        },
      ]),
    });
    expect(dataset.report.format).toBe('TRL prompt and completion');
    expect((await only(dataset)).solution).toEqual([{ image: 0, box: [0.1, 0.2, 0.3, 0.4] }]);
  });

  test('prompt and completion as text; a solution instead of a completion', async () => {
    const dataset = await open({
      'a.jsonl': jsonl([
        { id: 'text', prompt: '<image>Where?', completion: '(100,200),(300,400)', image: 'images/a.png' },
        {
          id: 'solution',
          prompt: [{ role: 'user', content: '<image>Where?' }],
          solution: [20, 10, 100, 50],
          images: ['images/b.png'],
        },
      ]),
    });
    expect(dataset.report.issues).toEqual([]);
    const rows = await allRows(dataset);
    expect(rows.find(({ id }) => id === 'text')!.solution[0]!.box).toEqual([0.1, 0.2, 0.3, 0.4]);
    expect(rows.find(({ id }) => id === 'solution')!.solution[0]!.box).toEqual([0.1, 0.1, 0.5, 0.5]);
  });
});

test('VLM-R1: problem, solution with tags, image', async () => {
  const dataset = await open({
    'a.jsonl': jsonl([
      { image: 'images/a.png', problem: '<image>Where is it?', solution: '<answer>[20, 10, 100, 50]</answer>' },
    ]),
  });
  expect(dataset.report.format).toBe('VLM-R1 / EasyR1');
  expect((await only(dataset)).solution).toEqual([{ image: 0, box: [0.1, 0.1, 0.5, 0.5] }]);
});

test('the Hub’s RefCOCO rows: corner, width and height', async () => {
  const dataset = await open({
    'val.jsonl': jsonl([{ question_id: '7', image: 'images/a.png', bbox: [20, 10, 80, 40], answer: ['left man'] }]),
  });
  const row = await only(dataset);
  expect(row).toMatchObject({ id: '7', split: 'heldout', solution: [{ image: 0, box: [0.1, 0.1, 0.5, 0.5] }] });
  expect(JSON.stringify(row.prompt)).toContain('left man');
});

const coco = {
  images: [
    { id: 11, file_name: 'a.png', width: 200, height: 100 },
    { id: 12, file_name: 'b.png', width: 200, height: 100 },
  ],
  categories: [
    { id: 3, name: 'dog' },
    { id: 9, name: 'cat' },
  ],
  annotations: [
    { id: 1, image_id: 11, category_id: 9, bbox: [20, 10, 80, 40], iscrowd: 0 },
    { id: 2, image_id: 12, category_id: 9, bbox: [0, 0, 200, 100], iscrowd: 0 },
    { id: 3, image_id: 12, category_id: 3, bbox: [0, 0, 100, 50], iscrowd: 0 },
    { id: 4, image_id: 12, category_id: 3, bbox: [0, 0, 100, 50], iscrowd: 1 },
    { id: 5, image_id: 99, category_id: 3, bbox: [0, 0, 100, 50], iscrowd: 0 },
  ],
};

describe('several phrases of one box', () => {
  const rows = [
    { question_id: 'q7', image: 'images/a.png', bbox: [20, 10, 80, 50], answer: ['the cup', 'left one', 'red mug'] },
    { question_id: 'q8', image: 'images/b.png', bbox: [20, 10, 80, 40], answer: ['a plate'] },
    { question_id: 'q9', image: 'images/c.png', bbox: [20, 10, 80, 30], answer: ['bowl', 'blue bowl'] },
  ];
  const minigpt = rows.map(({ image, bbox, answer }) => ({ img_id: image, bbox, sents: answer }));

  test.each([
    ['lmms-lab', rows, ['q7-0', 'q7-1', 'q7-2', 'q8', 'q9-0', 'q9-1']],
    ['MiniGPT-4', minigpt, null],
  ])('are rows of their own, and it is told: %s', async (_, lines, ids) => {
    const dataset = await open({ 'train.json': lines });
    const read = (await allRows(dataset)).toSorted((a, b) => a.id.localeCompare(b.id));
    expect(
      read.map(({ prompt, solution }) => [JSON.stringify(prompt).match(/box: ([a-z ]+)/)![1], solution.length]),
    ).toEqual(['the cup', 'left one', 'red mug', 'a plate', 'bowl', 'blue bowl'].map((phrase) => [phrase, 1]));
    if (ids) expect(read.map(({ id }) => id)).toEqual(ids);
    expect(dataset.report.ledger.find(({ key }) => key === 'phrase-of-several')).toMatchObject({ count: 5, rows: 5 });
  });

  test('any of them can be read alone', async () => {
    const dataset = await open({ 'train.json': rows });
    for (const part of ['train', 'heldout'] as const) {
      const list = dataset.rows(part);
      for (let i = list.length - 1; i >= 0; i--) expect((await list.read([i]))[0]!.id).toBe(list.id(i));
    }
  });

  test('the benchmark asks for each', async () => {
    const published = rows.map((row) => ({ ...row, segmentation: [1], iscrowd: 0, question: '', file_name: 'a.png' }));
    const dataset = await open({ 'RefCOCO/val.json': published });
    expect(dataset.report).toMatchObject({ train: 0, heldout: 6, leftOut: 0 });
    const prompts = (await allRows(dataset)).map(({ benchmark }) => benchmark!.prompt.split(': ').at(-1));
    expect(prompts).toEqual(['the cup', 'left one', 'red mug', 'a plate', 'bowl', 'blue bowl']);
  });
});

describe('COCO', () => {
  test('a question for every category of a picture; crowds left out; what points nowhere is reported', async () => {
    const dataset = await open({ 'instances.json': coco });
    expect(dataset.report).toMatchObject({
      format: 'COCO',
      conventions: [{ way: 'declared', space: 'natural', layout: 'xywh', ambiguous: false }],
      questions: [],
    });
    expect(dataset.report.issues.map(({ field, line }) => [field, line])).toEqual([['annotations[4].image_id', 5]]);
    const rows = (await allRows(dataset)).sort((a, b) => a.source.line - b.source.line);
    expect(rows.map(({ images, solution }) => [images, solution])).toEqual([
      [['images/a.png'], [{ image: 0, box: [0.1, 0.1, 0.5, 0.5], label: 'cat' }]],
      [['images/b.png'], [{ image: 0, box: [0, 0, 1, 1], label: 'cat' }]],
      [['images/b.png'], [{ image: 0, box: [0, 0, 0.5, 0.5], label: 'dog' }]],
    ]);
  });

  test('several pictures a question', async () => {
    const dataset = await open({ 'instances.json': coco }, { imagesPerRow: 2 });
    const cats = (await allRows(dataset)).find(({ source }) => source.line === 1)!;
    expect(cats.images).toEqual(['images/a.png', 'images/b.png']);
    expect(cats.solution.map(({ image }) => image)).toEqual([0, 1]);
  });

  test('RefCOCO: every sentence of every reference, in the part it states', async () => {
    const dataset = await open({
      'refs.json': [
        { ref_id: 1, ann_id: 1, split: 'train', sentences: [{ sent: 'the cat' }, { sent: 'grey cat' }] },
        { ref_id: 2, ann_id: 3, split: 'testA', sentences: ['a dog'] },
        { ref_id: 3, ann_id: 77, split: 'train', sentences: ['nothing'] },
      ],
      'instances.json': coco,
    });
    expect(dataset.report).toMatchObject({ format: 'RefCOCO', train: 2, heldout: 1, leftOut: 1 });
    const [dog] = await listed(dataset.rows('heldout'));
    expect(dog).toMatchObject({ id: 'ref-2-0', solution: [{ image: 0, box: [0, 0, 0.5, 0.5], label: 'a dog' }] });
  });

  test('a pickle is not run but explained', async () => {
    const { report } = await open({ 'refs(unc).p': 'x', 'instances.json': coco });
    expect(report.issues.find(({ file }) => file === 'refs(unc).p')).toMatchObject({
      fix: expect.stringContaining('json.dump(pickle.load'),
    });
  });

  test('MC-Bench: boxes in both, one or neither of two pictures, always held out', async () => {
    const dataset = await open({
      'mc-bench.json': {
        ...coco,
        descriptions: [
          { id: 5, images_id: [11, 12], text: 'the cat', positive_sample: true, text_style: 'referring' },
          { id: 6, images_id: [11, 12], text: 'a unicorn', positive_sample: false, text_style: 'reasoning' },
        ],
        annotations: [
          { id: 1, image_id: 11, text_id: 5, category_id: 9, bbox: [20, 10, 80, 40] },
          { id: 2, image_id: 12, text_id: 5, category_id: 9, bbox: [0, 0, 200, 100] },
        ],
      },
    });
    expect(dataset.report).toMatchObject({
      format: 'MC-Bench',
      train: 0,
      heldout: 2,
      tasks: { referring: 1, reasoning: 1 },
    });
    const [both, neither] = await listed(dataset.rows('heldout'));
    expect(both!.solution.map(({ image }) => image)).toEqual([0, 1]);
    expect(neither!.solution).toEqual([]);
  });
});

describe('CSV', () => {
  test('lists as JSON or as Python prints them, quotes, line breaks in fields, and semicolons', async () => {
    const dataset = await open({
      'a.csv': [
        'id,images,question,answer',
        `1,"[""images/a.png""]","Where, ""here""\nor there?","[0.1, 0.2, 0.3, 0.4]"`,
        `2,"['images/b.png']",Who?,"[0.1, 0.2, 0.3, 0.5]"`,
        '3,too few',
      ].join('\r\n'),
      'b.tsv': 'image\tquestion\tanswer\nimages/c.png\tWhere?\t[0.5, 0.5, 1, 1]\n',
    });
    expect(dataset.report.leftOut).toBe(1);
    expect(dataset.report.issues).toMatchObject([{ file: 'a.csv', line: 5, reason: 'it has 2 fields, the header 4' }]);
    const rows = await allRows(dataset);
    const first = rows.find(({ id }) => id === '1')!;
    expect(JSON.stringify(first.prompt)).toContain('Where, \\"here\\"\\nor there?');
    expect(rows.find(({ source }) => source.file === 'b.tsv')!.solution[0]!.box).toEqual([0.5, 0.5, 1, 1]);
  });
});

describe('Parquet', () => {
  const file = readFileSync(join(import.meta.dirname, 'rows.parquet'));

  test('rows over row groups, pictures in the file itself', async () => {
    const path = 'data/train-00000.parquet';
    const dataset = await openDataset('hub', [{ path, file: new Blob([file]) }], read(path, 'list', 'natural'));
    expect(dataset.report).toMatchObject({
      format: 'VLM-R1 / EasyR1',
      images: 140,
      leftOut: 0,
      files: [{ kind: 'Parquet', rows: 70 }],
    });
    const row = (await allRows(dataset)).find(({ source }) => source.line === 55)!;
    // Of two pictures the last is assumed, of 300 × 150.
    expect(row.solution[0]!.box).toEqual([74 / 300, 10 / 150, 154 / 300, 50 / 150]);
    expect(await dataset.naturalSize(row.images[0]!)).toEqual({ width: 200, height: 100 });
    const bytes = new Uint8Array(await (await dataset.image(row.images[1]!)).arrayBuffer());
    expect([...bytes.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
  });

  test('a damaged file is reported', async () => {
    const { report } = await openDataset('hub', [{ path: 'a.parquet', file: new Blob([file.subarray(0, 500)]) }]);
    expect(report.issues[0]).toMatchObject({ file: 'a.parquet', severity: 'error' });
  });
});

test('a Parquet file whose columns lie outside of it is refused, and nothing fails behind its back', async () => {
  const whole = new Uint8Array(readFileSync(join(import.meta.dirname, 'rows.parquet')));
  const torn = new Uint8Array([...whole.subarray(0, 4), ...whole.subarray(Math.floor(whole.length * 0.6))]);
  const { report } = await open({ 'train.parquet': torn });
  expect(report).toMatchObject({ train: 0, heldout: 0 });
  expect(report.issues.map(({ reason }) => reason)).toEqual([
    'it cannot be read as Parquet: a column lies outside the file',
  ]);
});

describe('JSON documents of any size and state', () => {
  test('a truncated list keeps what is whole, with line and column of the break', async () => {
    const rows = [llava('<image>Where?', 'yes', 1, { id: 'a' }), llava('<image>Who?', 'no', 1, { id: 'b' })];
    const dataset = await open({ 'a.json': `${JSON.stringify(rows, null, 1).slice(0, -40)}` });
    expect((await allRows(dataset)).map(({ id }) => id)).toEqual(['a']);
    expect(dataset.report.issues[0]!.reason).toMatch(/not JSON: the file ends .* \(line \d+, column \d+\)/);
  });

  test('one broken element of a list does not take the others along', async () => {
    const [good] = [llava('<image>Where?', 'yes', 1, { id: 'a' })];
    const dataset = await open({
      'a.json': `[${JSON.stringify(good)}, {"images": nonsense}, ${JSON.stringify({ ...good, id: 'c' })}]`,
    });
    expect((await allRows(dataset)).map(({ id }) => id).sort()).toEqual(['a', 'c']);
    expect(dataset.report.issues).toMatchObject([{ line: 2, reason: expect.stringContaining('not JSON') }]);
  });
});

test('a format may be overruled, and the guess taken back', async () => {
  const dataset = await open({ 'a.json': [llava('<image>Where?', '(1,2),(3,4)', 1)] });
  const silent = { tell: () => undefined };
  const wrong = await dataset.reread({ format: 'ShareGPT messages' }, silent);
  expect(wrong.report).toMatchObject({ leftOut: 1, train: 0 });
  expect(wrong.report.id).not.toBe(dataset.report.id);
  expect((await wrong.reread({}, silent)).report.id).toBe(dataset.report.id);
});

test('the same files and options give the same ids, rows and split', async () => {
  const files = {
    'images/x.png': picture,
    'a.json': Array.from({ length: 40 }, (_, i) =>
      llava('<image>Where?', '(1,2),(3,4)', 1, { images: [`images/${['a', 'x'][i % 2]}.png`], id: `${i}` }),
    ),
  };
  const [one, two] = [await open(files, { seed: 4 }), await open(files, { seed: 4 })];
  expect(one.report).toEqual(two.report);
  expect((await allRows(one)).map(({ id, split }) => [id, split])).toEqual(
    (await allRows(two)).map(({ id, split }) => [id, split]),
  );
  const other = await openDataset('test', named({ 'a.json': files['a.json'] }));
  expect(other.report.id).not.toBe(one.report.id);
});

test('a Parquet file of the Hub names its classes in its schema', async () => {
  const file = readFileSync(join(import.meta.dirname, 'row-formats', 'classes.parquet'));
  const dataset = await open({ 'train.parquet': new Uint8Array(file) });
  const labels = (await allRows(dataset)).map(({ solution }) => solution.map(({ label }) => label));
  expect(labels).toEqual([['gloves', 'coverall'], ['class 5']]);
  expect(dataset.report.ledger).toMatchObject([{ key: 'classes-by-number', rows: 1 }]);
});

describe('files without a row say what was found', () => {
  const said = async (files: Record<string, string | Uint8Array<ArrayBuffer>>) => {
    const { report } = await openDataset('dropped', named(files));
    expect(report).toMatchObject({ train: 0, heldout: 0, leftOut: 0 });
    return report.issues[0]!.reason;
  };

  test.each<[string, Record<string, string | Uint8Array<ArrayBuffer>>, string]>([
    ['an empty list', { 'x.json': '[]' }, 'x.json (JSON) has no row'],
    ['an object without rows', { 'x.json': '{"info": {"year": 2020}}' }, 'x.json holds no list of rows that is known'],
    ['a table with a head only', { 'x.csv': 'image,question,answer\n' }, 'x.csv (CSV) has no row'],
    ['pictures alone', { 'a.png': pngHeader(9, 9), 'b.png': pngHeader(9, 9) }, 'there are 2 pictures'],
    ['words alone', { 'notes.txt': 'hello' }, 'there is 1 other file (notes.txt)'],
    [
      'COCO whose pictures have no annotation',
      { 'x.json': JSON.stringify({ images: [{ id: { a: 1 }, file_name: 'a.png' }], annotations: [], categories: [] }) },
      'x.json (JSON) has no row; 1 picture has no annotation and is not asked about',
    ],
    [
      'COCO of crowds',
      {
        'x.json': JSON.stringify({
          images: [{ id: 1, file_name: 'a.png' }],
          annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4], iscrowd: 1 }],
          categories: [{ id: 1, name: 'x' }],
        }),
      },
      '1 annotation marks a crowd',
    ],
  ])('%s', async (_, files, reason) => {
    const text = await said(files);
    expect(text).toMatch(/^there are no rows: /);
    expect(text).toContain(reason);
  });

  test('an empty file beside rows is named', async () => {
    const { report } = await open({
      'a.json': [llava('<image>Hi?', 'Hello.', 1)],
      'b.json': '',
      'c.csv': '',
      'd.json': ' \n',
    });
    expect(report.train + report.heldout).toBe(1);
    expect(report.issues.map(({ file, reason, severity }) => `${severity} ${file}: ${reason}`)).toEqual([
      'warning b.json: the file is empty',
      'warning c.csv: the file is empty',
      'warning d.json: the file is empty',
    ]);
  });

  test('how boxes are read is not asked of a file whose pictures are all missing', async () => {
    const row = {
      image: 'gone.png',
      conversations: [
        { from: 'human', value: '<image>?' },
        { from: 'gpt', value: '[1, 2, 30, 40]' },
      ],
    };
    const { report } = await open({ 'a.json': [row] });
    expect(report.questions).toEqual([{ kind: 'skip', rows: 1 }]);
  });
});

test.each(['[NaN, 48, 320, 240]', '(64, null, 120, 80)', '[64, 48, Infinity, 80]'])(
  'an answer %s is no box, and told as numbers that are not read',
  async (answer) => {
    const { report } = await open({ 'a.json': [llava('<image>Where is it?', answer, 1)] });
    expect(report.ledger.map(({ key }) => key)).toContain('numbers-not-read');
  },
);
