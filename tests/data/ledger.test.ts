/** What was done to the rows is counted, said, and can be listed row by row. */
import { describe, expect, test } from 'vitest';
import { Ledger, LEDGER, LEDGER_KEYS, PLACES_KEPT, type LedgerKey } from '../../src/data/ledger.ts';
import { listed, llava, open, pngHeader, type Content } from './make-dataset.ts';

const entriesOf = async (files: Record<string, Content>) => {
  const dataset = await open(files, { split: 'files' });
  return { dataset, ledger: dataset.report.ledger };
};

const box = '<|box_start|>(100,100),(500,500)<|box_end|>';

describe('each kind is met where it happens, and nowhere else', () => {
  const marks = '<image>\n<image>\n';
  const cases: readonly (readonly [LedgerKey, object])[] = [
    ['answer-reduced', llava(`${marks}Where?`, `It is in Image-2: ${box}`, 2)],
    ['words-outside-answer', llava(`${marks}Where?`, `<answer>Image-2: ${box}</answer> So.`, 2)],
    ['words-as-thought', llava(`${marks}Where?`, `I look. <answer>Image-2: ${box}</answer>`, 2)],
    ['other-tags', llava('<image>Where?', `<reasoning>There.</reasoning><answer>${box}</answer>`, 1)],
    ['nothing-to-find', llava('<image>Where is the dog?', 'None', 1)],
    ['picture-guessed', llava(`${marks}Where?`, box, 2)],
    ['picture-from-question', llava(`${marks}Find it in Image-1.`, box, 2)],
    ['prompt-box-in-first', llava(`${marks}What is at ${box}?`, `Image-1: ${box}`, 2)],
    ['pictures-put-first', llava('Where?', box, 1)],
    ['coordinates-in-thinking', llava('<image>Where?', `<think>about ${box}</think><answer>${box}</answer>`, 1)],
    ['numbers-not-read', llava('<image>Where?', `${box} and the outline [1, 2, 3, 4, 5, 6]`, 1)],
    ['box-cut', llava('<image>Where?', '<|box_start|>(100,100),(1005,500)<|box_end|>', 1)],
  ];

  test.each(cases)('%s', async (key, row) => {
    const plain = llava('<image>Where is it?', box, 1);
    const { dataset, ledger } = await entriesOf({ 'train.json': [plain, row] });
    const entry = ledger.find((each) => each.key === key);
    expect(entry).toMatchObject({
      count: 1,
      rows: 1,
      places: [{ file: 'train.json', line: 2 }],
      files: [{ file: 'train.json', count: 1 }],
      fileCount: 1,
    });
    expect(entry!.sentence).toMatch(/^1 row .*\.$/);
    const found = await listed(await dataset.select('train', { done: key }));
    expect(found.map(({ source }) => source.line)).toEqual([2]);
  });

  test('a row that is learned as it was written leaves no entry', async () => {
    const { ledger } = await entriesOf({ 'train.json': [llava('<image>Where is it?', box, 1)] });
    expect(ledger).toEqual([]);
  });

  test('a row that is left out has nothing done to it', async () => {
    const { ledger, dataset } = await entriesOf({
      'train.json': [llava('Where?', '<|box_start|>(1,2),(3000,4000)<|box_end|> or so', 1), llava('<image>?', 'a', 1)],
    });
    expect(dataset.report.leftOut).toBe(1);
    expect(ledger).toEqual([]);
  });
});

test('files and lists that are not read are named, and pictures are not among them', async () => {
  const rows = [llava('<image>Where is it?', box, 1)];
  const { ledger } = await entriesOf({
    'train.json': { data: rows, names: ['cat'] },
    'more.jsonl.xz': 'x',
    'labels/a.txt': 'cat, dog',
    'old.json.bak': '[]',
  });
  expect(ledger).toMatchObject([
    { key: 'file-not-read', count: 3, rows: 0, fileCount: 3 },
    { key: 'list-not-read', count: 1, files: [{ file: 'train.json', count: 1 }] },
  ]);
  expect(ledger[0]!.sentence).toBe('3 files lie beside the rows and are not read.');
});

test('crowds and pictures without a box are counted apart from the rows', async () => {
  const annotation = (id: number, extra: object = {}) => ({
    id,
    image_id: 1,
    category_id: 1,
    bbox: [10, 10, 20, 20],
    ...extra,
  });
  const { ledger } = await entriesOf({
    'train/a.png': pngHeader(100, 100),
    'train/b.png': pngHeader(100, 100),
    'instances_train.json': {
      images: [
        { id: 1, file_name: 'train/a.png', width: 100, height: 100 },
        { id: 2, file_name: 'train/b.png', width: 100, height: 100 },
      ],
      categories: [{ id: 1, name: 'cat' }],
      annotations: [annotation(1), annotation(2, { iscrowd: 1 }), annotation(3, { iscrowd: 1 })],
    },
  });
  expect(ledger).toMatchObject([
    { key: 'crowd-skipped', count: 2, rows: 0, places: [{ line: 2 }, { line: 3 }] },
    { key: 'picture-without-boxes', count: 1, places: [{ line: 2 }] },
  ]);
});

test('half a million entries keep a few places and a count', () => {
  const ledger = new Ledger();
  for (let line = 1; line <= 500_000; line++) ledger.add('answer-reduced', { file: `${line % 3}.json`, line });
  const [entry] = Ledger.entries([ledger], () => 500_000);
  expect(entry).toMatchObject({ count: 500_000, rows: 500_000, fileCount: 3 });
  expect(entry!.places).toHaveLength(PLACES_KEPT);
  expect(entry!.sentence).toContain('500,000 rows have');
});

test('every sentence agrees with its count in number and ends as one', () => {
  for (const key of LEDGER_KEYS) {
    expect(LEDGER[key].say(1)).toMatch(/^1 [a-z]+ [^]*\.$/);
    expect(LEDGER[key].say(1234)).toMatch(/^1,234 [a-z]+s [^]*\.$/);
  }
});
