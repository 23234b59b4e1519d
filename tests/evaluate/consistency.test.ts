/** Whether answers hold together: they follow their pictures when these change places, and they say what their thought says. */
import { expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import { scoreRow } from '../../src/evaluate/benchmark-scores.ts';
import { printScores } from '../../src/evaluate/benchmark-print.ts';
import { scoreAll } from '../../src/evaluate/benchmark-scores.ts';
import { consistencyOf, swappable } from '../../src/evaluate/consistency.ts';
import { readForeign } from '../../src/evaluate/foreign.ts';
import { predictionLine, readPredictions } from '../../src/evaluate/prediction.ts';
import { box01 } from '../../src/grounding/box.ts';
import { judgeSwap, namesPlaces, turned } from '../../src/grounding/picture-swap.ts';

const size = { width: 200, height: 100 };
const row = (id: string, words: string, pictures = 3): Row => ({
  id,
  task: 't',
  split: 'heldout',
  images: Array.from({ length: pictures }, (_, i) => `${i}.png`),
  prompt: [{ role: 'user', content: [{ type: 'text', text: words }] }],
  answer: [],
  solution: [{ image: 1, box: box01(0.1, 0.1, 0.5, 0.5) }],
  source: { file: 'f', line: 1 },
});
const at = (picture: number) => `Image-${picture}: (100,100),(500,500)`;
const read = (id: string, text: string) => readForeign(id, text, [size, size, size], 'thousandths');
const swapped = (id: string, before: string, after: string) => {
  const { text, boxes } = read(id, after);
  return { ...read(id, before), swapped: { text, boxes: boxes! } };
};

test('no picture stays where it was, and what an answer did is told by where its picture went', () => {
  for (const count of [2, 3, 7]) expect(turned(count).every((from, to) => from !== to)).toBe(true);
  const order = turned(3);
  expect([2, 1, 0, null, undefined].map((after) => judgeSwap(1, after, order))).toEqual([
    'follows',
    'stays',
    'elsewhere',
    'unreadable',
    'unreadable',
  ]);
});

test('words that say a picture by its place are left out, others are not', () => {
  for (const words of [
    'Find it in Image-2.',
    'the second picture',
    'what the first image shows',
    'in the last picture',
  ])
    expect(namesPlaces(words), words).toBe(true);
  for (const words of ['Find the red cup.', 'Which object is in all images?', 'the two cups'])
    expect(namesPlaces(words), words).toBe(false);
  const answer = read('a', at(2));
  expect(swappable(row('a', 'Find the cup.'), answer)).toBe(true);
  expect(swappable(row('a', 'Find it in image 2.'), answer)).toBe(false);
  expect(swappable(row('a', 'Find the cup.', 1), answer)).toBe(false);
  expect(swappable(row('a', 'Find the cup.'), read('a', 'It is not there.'))).toBe(false);
});

const scored = [
  // Picture 1 of three (from 0) is at place 2 after the swap: “Image-3”.
  scoreRow(row('follows', 'the cup'), swapped('follows', at(2), at(3))),
  scoreRow(row('again', 'the cup'), swapped('again', at(3), at(1))),
  scoreRow(row('stays', 'the cup'), swapped('stays', at(2), at(2))),
  scoreRow(row('none', 'the cup'), swapped('none', at(2), 'I see none.')),
  scoreRow(row('named', 'in image 2'), read('named', at(2))),
  scoreRow(row('one', 'the cup', 1), read('one', '(100,100),(500,500)')),
];

test('the share that follows stands with its n, its interval, and the rows of every other kind', () => {
  const { swap, thought } = consistencyOf(scored);
  expect(swap).toMatchObject({
    n: 4,
    held: 2,
    leftOut: 1,
    rows: { follows: ['follows', 'again'], stays: ['stays'], unreadable: ['none'] },
  });
  expect(swap!.interval[0]).toBeCloseTo(0.15, 2);
  expect(swap!.interval[1]).toBeCloseTo(0.85, 2);
  expect(thought).toBeNull();
  expect(printScores(scoreAll(scored)[0]!, null)).toContain(
    'pictures swapped: 50.0 [15.0–85.0] of 4 answers follow their picture, 1 stay with the number, 1 have no box to compare; 1 rows of several pictures were not asked again',
  );
  expect(consistencyOf([]).swap).toBeNull();
});

test('an answer agrees with the box that its thought ends with, and a thought without a box says nothing', () => {
  const think = (thought: string, answer: string) => `<think>${thought}</think><answer>${answer}</answer>`;
  const rows = [
    ['same', think(`First ${at(1)}, no: ${at(2)}`, at(2))],
    ['other', think(`It is ${at(1)}`, at(2))],
    ['silent', think('It is red.', at(2))],
    ['bare', at(2)],
  ] as const;
  const { thought } = consistencyOf(rows.map(([id, text]) => scoreRow(row(id, 'the cup'), read(id, text))));
  expect(thought).toMatchObject({ n: 2, held: 1, meanIoU: 0.5, rows: ['other'] });
});

test('what was answered after a swap, and what a thought names, stand in the file and come back', () => {
  const one = swapped('a', `<think>${at(1)}</think><answer>${at(2)}</answer>`, at(3));
  expect(one.thoughtBoxes).toHaveLength(1);
  const { answers } = readPredictions(predictionLine(one));
  expect(answers.get('a')).toEqual([one]);
});
