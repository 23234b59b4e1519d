import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allRows, llava, open, pngHeader, type Content, read } from './make-dataset.ts';

const marks = '<image><image><image>';
const good = llava(`${marks}Where?`, 'Image-1: <|box_start|>(1,2),(3,4)<|box_end|>', 3, { id: 'good' });

/** The issues of a bad row that stands as line 2 between two good ones, which must survive. */
async function issuesOf(bad: unknown) {
  const { good: _, ...rest } = { ...good, good: 0 };
  const lines = [rest, bad, { ...rest, id: 'second' }].map((row) =>
    typeof row === 'string' ? row : JSON.stringify(row),
  );
  const dataset = await open({ 'train.jsonl': lines.join('\n') });
  expect(dataset.report.train + dataset.report.heldout).toBe(2);
  return dataset.report.issues;
}

describe('a bad row is reported with its line and a way out, the good rows stay', () => {
  test.each<[string, unknown, string, string]>([
    ['broken JSON', '{"images": [', '', 'not JSON'],
    ['no object', '[1]', '', 'not a JSON object'],
    ['unknown keys', { foo: 1 }, '', 'no known format'],
    [
      'conversations of the wrong type',
      { conversations: 'hello' },
      'conversations',
      'it should be a list, and is text',
    ],
    [
      'a turn without text',
      { images: [], conversations: [{ from: 'human' }] },
      'conversations[0].value',
      'it is missing',
    ],
    [
      'a picture that is not there',
      llava(`${marks}?`, 'x', 3, { images: ['images/a.png', 'images/zz.png', 'images/c.png'] }),
      'images[1]',
      'no file matches',
    ],
    [
      'a picture on the net',
      llava('<image>?', 'x', 1, { images: ['https://example.com/a.png'] }),
      'images[0]',
      'not a file of the dataset',
    ],
    ['too few marks', llava('<image><image>?', 'x'), 'images', '2 <image> in the text, but 3 pictures'],
    [
      'a mark in the answer',
      llava('<image><image>?', 'x <image>'),
      'conversations[1].value',
      'an answer contains <image>',
    ],
    [
      'an unknown role',
      llava(`${marks}?`, 'x', 3, {
        conversations: [
          { from: 'human', value: `${marks}?` },
          { from: 'narrator', value: 'y' },
          { from: 'gpt', value: 'x' },
        ],
      }),
      'conversations[1].value',
      'role “narrator”',
    ],
    ['an empty answer', llava(`${marks}?`, ' '), 'conversations[1].value', 'the answer is empty'],
    [
      'no answer',
      llava(`${marks}?`, 'x', 3, { conversations: [{ from: 'human', value: `${marks}?` }] }),
      'conversations[0].value',
      'not an answer',
    ],
    [
      'an inverted box',
      llava(`${marks}?`, 'Image-1: <|box_start|>(30,2),(3,4)<|box_end|>'),
      'conversations[1].value',
      'inverted',
    ],
    [
      'a box outside',
      llava(`${marks}?`, 'Image-1: <|box_start|>(30,2),(300,1400)<|box_end|>'),
      'conversations[1].value',
      'outside',
    ],
    [
      'a box without area',
      llava(`${marks}?`, 'Image-1: <|box_start|>(3,2),(3,4)<|box_end|>'),
      'conversations[1].value',
      'no area',
    ],
    [
      'a picture number beyond',
      llava(`${marks}?`, 'Image-7: <|box_start|>(1,2),(3,4)<|box_end|>'),
      'conversations[1].value',
      'picture 7, but the row has 3',
    ],
  ])('%s', async (_, bad, field, reason) => {
    const issues = await issuesOf(bad);
    expect(issues.length).toBeGreaterThan(0);
    expect(issues[0]).toMatchObject({ file: 'train.jsonl', line: 2, field, severity: 'error' });
    expect(issues[0]!.reason).toContain(reason);
    expect(issues[0]!.fix).not.toBe('');
  });
});

test('an id used twice is made unique and mentioned', async () => {
  const dataset = await open({ 'train.json': [good, good] });
  expect((await allRows(dataset)).map(({ id }) => id).sort()).toEqual(['good', 'good#2']);
  expect(dataset.report.issues).toMatchObject([{ severity: 'warning', line: 2, field: 'id' }]);
});

test('a path that fits two files is reported, a longer one decides', async () => {
  const row = (path: string) => llava('<image>?', 'yes', 1, { images: [path] });
  const files = { 'x/p/1.png': pngHeader(9, 9), 'y/p/1.png': pngHeader(9, 9), 'z/P/2.PNG': pngHeader(9, 9) };
  const dataset = await open({
    ...files,
    'a.json': [row('/data/somewhere/p/1.png'), row('./old/y/p/1.png'), row('p/2.png')],
  });
  expect(dataset.report.issues).toMatchObject([{ line: 1, field: 'images[0]' }]);
  expect(dataset.report.issues[0]!.reason).toContain('x/p/1.png, y/p/1.png');
  expect((await allRows(dataset)).map(({ images }) => images[0]).sort()).toEqual(['y/p/1.png', 'z/P/2.PNG']);
});

describe('what the numbers mean', () => {
  const rowsWith = (...answers: string[]) => answers.map((answer) => llava('<image>?', answer, 1));
  const firstBox = async (rows: object[], options?: Parameters<typeof open>[1]) => {
    const dataset = await open({ 'a.json': rows }, options);
    return {
      box: (await allRows(dataset)).find(({ source }) => source.line === 1)?.solution[0]?.box,
      notes: dataset.report.notes.join('\n'),
    };
  };

  test.each([
    ['decimals up to 1', rowsWith('[0.1, 0.2, 0.3, 0.4]'), [0.1, 0.2, 0.3, 0.4], 'fit more than one layout'],
    ['pixels that fit', rowsWith('[20, 10, 100, 50]'), [0.1, 0.1, 0.5, 0.5], 'one box is too few to decide'],
    [
      'numbers that do not fit as pixels',
      rowsWith('[100, 200, 500, 900]'),
      [0.1, 0.2, 0.5, 0.9],
      'one box is too few to decide',
    ],
    ['pairs without tokens', rowsWith('(10,20),(50,120)'), [0.01, 0.02, 0.05, 0.12], 'written (x1,y1),(x2,y2)'],
  ])('%s', async (_, rows, box, reason) => {
    const found = await firstBox(rows);
    expect(found.box).toEqual(box);
    expect(found.notes).toContain(reason);
  });

  test('numbers beyond 1000 are pixels', async () => {
    const dataset = await open({
      'images/a.png': pngHeader(4000, 2000),
      'a.json': rowsWith('[400, 200, 2000, 1000]'),
    });
    expect((await allRows(dataset))[0]!.solution[0]!.box).toEqual([0.1, 0.1, 0.5, 0.5]);
  });

  test('one stray number does not change the reading of a file, and is reported', async () => {
    const rows = rowsWith(
      '[20, 10, 2000, 50]',
      ...Array.from({ length: 99 }, (_, i) => `[${i}, ${i % 50}, ${101 + i}, ${51 + (i % 50)}]`),
    );
    const dataset = await open({ 'a.json': rows });
    expect(dataset.report.train + dataset.report.heldout).toBe(99);
    expect(dataset.report.issues).toMatchObject([{ line: 1, reason: expect.stringContaining('200 × 100') as string }]);
  });

  test('the user may overrule it', async () => {
    const { box } = await firstBox(rowsWith('[20, 10, 100, 50]'), read('a.json', 'list', 'thousand'));
    expect(box).toEqual([0.02, 0.01, 0.1, 0.05]);
  });
});

test('nothing to read is said', async () => {
  expect((await open({})).report.issues).toMatchObject([{ reason: 'there are no rows: there are 3 pictures' }]);
  expect((await open({ 'a.parquet': 'PAR1' })).report.issues).toMatchObject([{ severity: 'error', file: 'a.parquet' }]);
  expect((await open({ 'a.zip': 'no zip' })).report.issues[0]).toMatchObject({ file: 'a.zip', severity: 'error' });
});

test('no content makes it throw', async () => {
  const word = fc.constantFrom(
    '<image>',
    '<bbox>',
    '<ref-object>',
    '(1,2),(3,4)',
    '[0.1, 0.2, 0.3, 0.4]',
    '<think>',
    '</think>',
    '<answer>',
    'Image-2',
    '{"bbox_2d": [1, 2, 3, 4]}',
    'é',
  );
  const text = fc.array(word, { maxLength: 5 }).map((words) => words.join(' '));
  const key = fc.constantFrom(
    'images',
    'image',
    'conversations',
    'messages',
    'objects',
    'question',
    'answer',
    'task',
    'id',
  );
  const value = fc.oneof(
    text,
    fc.jsonValue({ maxDepth: 2 }),
    fc.constant(['images/a.png']),
    fc.constant([1, 2, 3, 4]),
    fc.array(fc.record({ from: fc.constantFrom('human', 'gpt'), value: text }), { maxLength: 3 }),
    fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content: text }), { maxLength: 3 }),
    fc.record({
      ref: fc.array(text, { maxLength: 2 }),
      bbox: fc.array(fc.array(fc.integer(), { maxLength: 5 }), { maxLength: 2 }),
    }),
  );
  const row = fc.oneof(fc.dictionary(key, value), fc.jsonValue({ maxDepth: 2 }));
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 3 }), fc.string(), async (rows, junk) => {
      const files: Record<string, Content> = {
        'a.json': rows,
        'b.jsonl': [...rows.map((r) => JSON.stringify(r)), junk].join('\n'),
        'c.json': junk,
      };
      const dataset = await open(files);
      for (const { solution, images } of await allRows(dataset))
        for (const { image, box } of solution)
          expect(image < images.length && box.every((v) => v >= 0 && v <= 1)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
