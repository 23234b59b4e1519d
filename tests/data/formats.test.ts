import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { allRows, llava, named, only, open, pngHeader, zipped, read } from './make-dataset.ts';

const marks = '<image>\n<image>\n<image>\n';

describe('MGrounding', () => {
  test('a row as published: tokens in thousandths, the picture in words, the label kept', async () => {
    const dataset = await open({
      'gg_train_120k.json': [
        llava(
          `${marks}Give the bounding box of the region this sentence refers to: <|object_ref_start|>a statue of a man<|object_ref_end|>.`,
          "It's in the third image. <|box_start|>(316,58),(764,999)<|box_end|>",
          3,
          { id: 'x', type: 'gg_train' },
        ),
      ],
    });
    expect(dataset.report).toMatchObject({
      format: 'MGrounding / LLaVA',
      images: 3,
      tasks: { gg_train: 1 },
      issues: [],
    });
    const row = await only(dataset);
    expect(row).toMatchObject({
      id: 'x',
      task: 'gg_train',
      images: ['images/a.png', 'images/b.png', 'images/c.png'],
      source: { file: 'gg_train_120k.json', line: 1 },
    });
    expect(row.prompt[0]!.content.map((segment) => segment.type)).toEqual([
      'image',
      'text',
      'image',
      'text',
      'image',
      'text',
    ]);
    expect(row.prompt[0]!.content.at(-1)).toEqual({
      type: 'text',
      text: '\nGive the bounding box of the region this sentence refers to: a statue of a man.',
    });
    expect(row.answer).toEqual([
      { type: 'text', text: "It's in the third image. " },
      { type: 'box', box: { image: 2, box: [0.316, 0.058, 0.764, 0.999] } },
    ]);
    expect(row.solution).toEqual([{ image: 2, box: [0.316, 0.058, 0.764, 0.999] }]);
    expect(row.think).toBeUndefined();
  });

  test('thinking and answer are taken apart', async () => {
    const row = await only(
      await open({
        'a.jsonl': llava(
          `${marks}Where?`,
          '<think>It is [here].</think>\n<answer>Image-2: <|box_start|>(1,2),(3,4)<|box_end|></answer>',
        ),
      }),
    );
    expect(row).toMatchObject({ think: 'It is [here].', solution: [{ image: 1, box: [0.001, 0.002, 0.003, 0.004] }] });
  });

  test('a box in the question lies in the picture its words name', async () => {
    const row = await only(
      await open(
        {
          'a.jsonl': llava(
            `${marks}The region <|box_start|>(1,2),(3,4)<|box_end|> of Image-1: find it in Image-3.`,
            '<|box_start|>(5,6),(7,8)<|box_end|>',
          ),
        },
        read('a.jsonl', 'pairs', 'thousand'),
      ),
    );
    expect(row.prompt[0]!.content).toContainEqual({
      type: 'box',
      box: { image: 0, box: [0.001, 0.002, 0.003, 0.004] },
    });
    expect(row.solution).toEqual([{ image: 2, box: [0.005, 0.006, 0.007, 0.008] }]);
  });
});

test('LLaVA with one `image` and Qwen JSON in pixels of the file', async () => {
  const dataset = await open({
    'a.json': [
      {
        image: 'images/a.png',
        conversations: [
          { from: 'human', value: '<image>\nFind the cat.' },
          { from: 'gpt', value: '```json\n[{"bbox_2d": [20, 10, 200, 50], "label": "cat"}]\n```' },
        ],
      },
    ],
  });
  expect((await only(dataset)).answer).toEqual([
    { type: 'box', box: { image: 0, box: [0.1, 0.1, 1, 0.5], label: 'cat' } },
  ]);
  expect(dataset.report.notes.join()).toMatch(
    /pixels of the picture file, as two corners, because one box is too few.*guess/,
  );
});

test('ShareGPT messages, TRL parts, and a row without boxes', async () => {
  const dataset = await open({
    'a.jsonl': [
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: '<image>Who?' },
          { role: 'assistant', content: 'A cat.' },
        ],
        images: ['images/a.png'],
      },
      {
        messages: [
          { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'Who?' }] },
          { role: 'assistant', content: [{ type: 'text', text: 'A dog.' }] },
        ],
        images: [{ path: 'images/b.png' }],
      },
    ]
      .map((row) => JSON.stringify(row))
      .join('\n'),
  });
  const rows = await allRows(dataset);
  expect(rows.map(({ answer, solution }) => [answer, solution])).toEqual([
    [[{ type: 'text', text: 'A cat.' }], []],
    [[{ type: 'text', text: 'A dog.' }], []],
  ]);
  expect(rows[0]!.prompt.map(({ role }) => role)).toEqual(['system', 'user']);
});

describe('ms-swift', () => {
  const row = (objects: object, answer = '<bbox><bbox>') => ({
    messages: [
      { role: 'user', content: '<image><image>Find the <ref-object>' },
      { role: 'assistant', content: answer },
    ],
    images: ['images/a.png', 'images/b.png'],
    objects,
  });

  test('marks are filled in order, with their pictures', async () => {
    const dataset = await open({
      'a.jsonl': row({
        ref: ['sheep'],
        bbox: [
          [20, 10, 40, 20],
          [100, 50, 200, 100],
        ],
        bbox_type: 'real',
        image_id: [0, 1],
      }),
    });
    expect((await only(dataset)).solution).toEqual([
      { image: 0, box: [0.1, 0.1, 0.2, 0.2] },
      { image: 1, box: [0.5, 0.5, 1, 1] },
    ]);
    expect((await only(dataset)).prompt[0]!.content.at(-1)).toEqual({ type: 'text', text: 'Find the sheep' });
  });

  test('norm1, and a ref before a box is its label', async () => {
    const dataset = await open({
      'a.jsonl': row(
        { ref: ['sheep', 'ram'], bbox: [[0.1, 0.1, 0.2, 0.2]], bbox_type: 'norm1', image_id: [0] },
        '<ref-object><bbox>',
      ),
    });
    expect((await only(dataset)).solution).toEqual([{ image: 0, box: [0.1, 0.1, 0.2, 0.2], label: 'ram' }]);
  });

  test.each([
    [{ ref: ['sheep'], bbox: [[1, 2, 3, 4]] }, 'have nothing to stand for'],
    [
      {
        ref: ['sheep'],
        bbox: [
          [1, 2, 3, 4],
          [1, 2, 3, 4],
          [1, 2, 3, 4],
        ],
      },
      '1 box has no <bbox> mark',
    ],
    [
      {
        ref: ['sheep'],
        bbox: [
          [1, 2],
          [1, 2, 3, 4],
        ],
      },
      'are not a box',
    ],
    [
      {
        ref: ['sheep'],
        bbox: [
          [1, 2, 3, 4],
          [1, 2, 3, 4],
        ],
        image_id: [0, 5],
      },
      'picture 6, but the row has 2',
    ],
    [
      {
        ref: ['sheep'],
        bbox: [
          [1, 2, 3, 4],
          [1, 2, 3, 4],
        ],
        bbox_type: 'norm9',
      },
      'norm1',
    ],
  ])('%j is reported: %s', async (objects, reason) => {
    const { report } = await open({ 'a.jsonl': row(objects) });
    expect(report).toMatchObject({ train: 0, heldout: 0 });
    expect(report.issues.map((issue) => issue.reason).join()).toContain(reason);
  });
});

describe('MIG-Bench', () => {
  const row = (question: string) => ({
    task: 'reasoning',
    images: ['./MIG-Bench/images/a.png', './MIG-Bench/images/b.png'],
    question,
    answer: [0.418, 0.391, 0.595, 0.546],
    additional_info: '',
    need_format: true,
  });

  test('held out, pictures first, the picture of the answer from the question', async () => {
    const dataset = await open({
      'MIG_data.json': [
        row('Which item in Image-2 share the similar feature of Image-1? Find it and locate it in the second image. '),
      ],
    });
    expect(dataset.report).toMatchObject({
      format: 'MIG-Bench',
      train: 0,
      heldout: 1,
      tasks: { reasoning: 1 },
      issues: [],
    });
    expect(await only(dataset)).toMatchObject({
      images: ['images/a.png', 'images/b.png'],
      solution: [{ image: 1, box: [0.418, 0.391, 0.595, 0.546] }],
    });
    expect((await only(dataset)).prompt[0]!.content.slice(0, 1)).toEqual([{ type: 'image', image: 0 }]);
    expect((await only(dataset)).solution[0]!.imageGuessed).toBeUndefined();
  });

  test('where nothing says which picture, the last is guessed and said so', async () => {
    const dataset = await open({ 'MIG_data.json': [row('Find the statue that Image-1 has not.')] });
    expect((await only(dataset)).solution).toMatchObject([{ image: 1, imageGuessed: true }]);
    expect(dataset.report.issues).toMatchObject([{ severity: 'warning', file: 'MIG_data.json', line: 1 }]);
    expect(dataset.report.ledger).toMatchObject([{ key: 'picture-guessed', count: 1, rows: 1 }]);
  });

  test('UniVG rows have the same keys and thousandths', async () => {
    const dataset = await open({
      'u.json': [{ images: ['images/a.png'], question: '<image>Where is it?', answer: [316, 58, 764, 999] }],
    });
    expect(dataset.report).toMatchObject({ format: 'question and answer' });
    expect((await only(dataset)).solution).toEqual([{ image: 0, box: [0.316, 0.058, 0.764, 0.999] }]);
  });
});

describe('containers', () => {
  const rows = [llava(`${marks}Where?`, 'Image-1: (1,2),(3,4)')];
  const pictures = {
    'images/a.png': pngHeader(10, 10),
    'images/b.png': pngHeader(10, 10),
    'images/c.png': pngHeader(10, 10),
  };

  test('a zip, with another zip inside and the rubbish archivers add', async () => {
    const zip = zipped({
      'set/train.json': rows,
      'set/images.zip': zipped(pictures),
      '__MACOSX/set/._train.json': 'x',
      'set/.DS_Store': 'x',
      'set/README.md': '#',
    });
    const dataset = await openDataset('zip', named({ 'anything.zip': zip }));
    expect(dataset.report).toMatchObject({ train: 1, issues: [] });
    expect((await only(dataset)).images[0]).toBe('set/images/images/a.png');
    expect((await dataset.image('set/images/images/a.png')).size).toBe(pngHeader(200, 100).length);
    expect(await dataset.naturalSize('set/images/images/a.png')).toEqual({ width: 10, height: 10 });
    await expect(dataset.image('nope')).rejects.toMatchObject({ code: 'image-missing' });
  });

  test('a list wrapped in an object, a .json that is JSONL, and files that are no rows', async () => {
    const dataset = await open({
      'a.json': { data: rows },
      'b.json': rows
        .concat(rows)
        .map((row) => JSON.stringify(row))
        .join('\n'),
      'dataset_info.json': { a: { file_name: 'x' } },
    });
    expect(dataset.report.train + dataset.report.heldout).toBe(3);
    expect(dataset.report.issues).toEqual([]);
  });
});

const sample = join(import.meta.dirname, '../../public/starter/sample.zip');

test.skipIf(!existsSync(sample))('the sample dataset opens without a complaint', async () => {
  const dataset = await openDataset('sample', [{ path: 'sample.zip', file: new Blob([readFileSync(sample)]) }]);
  expect(dataset.report.issues).toEqual([]);
  expect(dataset.report.train).toBeGreaterThan(0);
  expect(dataset.report.heldout).toBeGreaterThan(0);
  for (const row of await allRows(dataset)) {
    // A row has boxes, or it says that there is nothing to find, or its answer is a letter.
    const letter = /^[A-D]$/.test(row.answer.map((part) => (part.type === 'text' ? part.text : '')).join(''));
    expect(row.solution.length > 0, row.id).toBe(!row.nothing && !letter);
    expect(
      row.solution.some(({ imageGuessed }) => imageGuessed),
      row.id,
    ).toBe(false);
  }
});
