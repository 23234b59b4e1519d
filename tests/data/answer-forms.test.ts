/** Answers in more of the field's forms: read for certain, or told; none learned otherwise without a word. */
import { describe, expect, test } from 'vitest';
import type { LedgerKey } from '../../src/data/ledger.ts';
import { allRows, llava, only, open } from './make-dataset.ts';

const PIXELS = {
  readings: (['list', 'pairs'] as const).map(
    (way) => ({ file: 'a.json', way, space: 'natural', layout: 'xyxy' }) as const,
  ),
};
const answered = (answer: string, question = 'Find the cup and give its box.', pictures = 1) =>
  open({ 'a.json': [llava('<image>'.repeat(pictures) + question, answer, pictures)] }, PIXELS);
const did = ({ report }: Awaited<ReturnType<typeof answered>>) => report.ledger.map(({ key }) => key);

describe('a box is read', () => {
  test.each([
    '{"top_left": [20, 10], "bottom_right": [90, 40]}',
    '{"topLeft": {"x": 20, "y": 10}, "bottomRight": {"x": 90, "y": 40}}',
    '{"min": {"x": 20, "y": 10}, "max": {"x": 90, "y": 40}}',
    '20 10 90 40',
    'bbox: 20 10 90 40',
    '<bbox>20 10 90 40</bbox>',
    '【20，10，90，40】',
    '(20, 10) to (90, 40)',
    'x: 20, y: 10, w: 70, h: 30',
    'left=20 top=10 right=90 bottom=40',
    'x1="20" y1="10" x2="90" y2="40"',
    'top-left (20, 10), bottom-right (90, 40)',
    'Upper left corner: [20, 10]; lower right corner: [90, 40]',
    'bottom-right (90, 40), top-left (20, 10)',
    'bottom-left (20, 40), top-right (90, 10)',
    '左上角(20,10)，右下角(90,40)',
    '{"bottom_left": [20, 40], "top_right": [90, 10]}',
    '[٢٠، ١٠، ٩٠، ٤٠]',
    '[۲۰, ۱۰, ۹۰, ۴۰]',
    '[२०, १०, ९०, ४०]',
    '{"bbox_2d": ["٢٠", "10", "９０", 40]}',
    '{"bbox_2d": [๒๐, ๑๐, ๙๐, ๔๐]}',
  ])('%s', async (answer) => {
    const dataset = await answered(answer);
    expect((await only(dataset)).solution.map(({ box }) => box.map((n) => Math.round(n * 1e6) / 1e6))).toEqual([
      [0.1, 0.1, 0.45, 0.4],
    ]);
    expect(did(dataset)).toEqual([]);
  });
});

describe('what is not read is told', () => {
  test.each<[string, LedgerKey]>([
    ['- cup: 20, 10, 90, 40', 'numbers-not-read'],
    ['{"cup": "20,10,90,40"}', 'numbers-not-read'],
    ['| 20 | 10 | 90 | 40 |', 'numbers-not-read'],
    ['{"bbox_2d": [20, 10, 90, 40], "label": "cup", "score": 0.9}', 'fields-dropped'],
    ['[{"bbox_2d": [20, 10, 90, 40], "point_2d": [50, 20]}]', 'fields-dropped'],
  ])('%s', async (answer, key) => expect(did(await answered(answer))).toEqual([key]));

  test('numbers in an answer that was to be no place are no box', async () => {
    expect(did(await answered('They won 3, 5, 7 and 9 games.', 'How many did they win?'))).toEqual([]);
  });

  test('reasoning and weights in fields that are not learned', async () => {
    const rows = [
      { ...llava('<image>Find it.', '[20, 10, 90, 40]', 1), rationale: 'It is red.' },
      { ...llava('<image>Find it.', '[20, 10, 90, 40]', 1), loss_weight: 0.5 },
      { ...llava('<image>Find it.', '[20, 10, 90, 40]', 1), rejected_response: '[1, 1, 9, 9]', label: true },
      {
        images: ['images/a.png'],
        messages: [
          { role: 'user', content: '<image>Find it.' },
          { role: 'assistant', content: '[20, 10, 90, 40]', loss: false },
        ],
      },
    ];
    const { report } = await open({ 'a.json': rows }, { ...PIXELS, split: 'files' });
    expect(report.ledger).toMatchObject([
      { key: 'thought-beside', rows: 1 },
      { key: 'rejected-not-read', rows: 1 },
      { key: 'weights-not-read', rows: 2 },
    ]);
  });
});

test('thinking that a service gives beside its answer is the thinking', async () => {
  const row = (field: object) => ({
    images: ['images/a.png'],
    messages: [
      { role: 'user', content: '<image>Find it.' },
      { role: 'assistant', content: '[20, 10, 90, 40]', ...field },
    ],
  });
  const rows = [row({ reasoning_content: 'It is red.' }), row({ thinking: 'It is red.' })];
  const read = await allRows(await open({ 'a.json': rows }, { ...PIXELS, split: 'files' }));
  expect(read.map(({ think }) => think)).toEqual(['It is red.', 'It is red.']);
});

test('a thought in tags of any name before the answer loses its tags; one that never ends is no answer', async () => {
  const wrapped = await answered('<analysis>It is red.</analysis><answer>[20, 10, 90, 40]</answer>');
  expect((await only(wrapped)).think).toBe('It is red.');
  expect(did(wrapped)).toEqual(['other-tags']);
  const cut = await answered('<think>It is');
  expect(cut.report).toMatchObject({ train: 0, leftOut: 1 });
  expect(cut.report.issues[0]!.reason).toContain('no answer after the thinking');
});

describe('nothing to find', () => {
  const nothing = async (answer: string, question?: string) =>
    (await only(await answered(answer, question))).nothing ?? false;

  test.each([
    '{"bbox_2d": null}',
    '{"objects": []}',
    '[[]]',
    '<answer></answer>',
    'There is no cup in the picture.',
    'The cup does not exist.',
    'None of the images',
    '无目标',
  ])('%s', async (answer) => expect(await nothing(answer)).toBe(true));

  test.each([
    ['There is no cup, but a jug at the left.', undefined],
    ['No cup.', 'What is on the table?'],
    ['Nothing', 'What does she hold?'],
    ['{"colour": "red"}', undefined],
  ])('not: %s', async (answer, question) => expect(await nothing(answer, question)).toBe(false));
});

describe('which picture', () => {
  const pictureOf = async (answer: string) => {
    const { image, imageGuessed } = (await only(await answered(answer, 'Find the cup.', 3))).solution[0]!;
    return imageGuessed ? 'asked' : image;
  };
  const list = '[20, 10, 90, 40]';

  test.each<[string, number | 'asked']>([
    [`Image B: ${list}`, 1],
    [`Image II: ${list}`, 1],
    [`view 2: ${list}`, 1],
    [`第2张: ${list}`, 1],
    [`Not in the first image. In the second: ${list}`, 1],
    [`The third picture has none; the second has ${list}`, 'asked'],
    [`{"1": [], "2": [${list}]}`, 'asked'],
    [`an image a child drew: ${list}`, 'asked'],
  ])('%s', async (answer, picture) => expect(await pictureOf(answer)).toBe(picture));

  test('a file that counts pictures by bare keys from 0 shows it', async () => {
    const rows = [0, 1].map((i) => llava('<image><image><image>Find it.', `{"${i}": [${list}]}`));
    const read = await allRows(await open({ 'a.json': rows }, { ...PIXELS, split: 'files' }));
    expect(read.map(({ solution: [box] }) => box!.image)).toEqual([0, 1]);
    expect(read[1]!.solution[0]).not.toHaveProperty('imageGuessed');
  });
});
