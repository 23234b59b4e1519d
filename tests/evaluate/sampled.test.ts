import { expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import type { Prediction } from '../../src/evaluate/prediction.ts';
import { meanPass, passes, printSampled } from '../../src/evaluate/sampled.ts';

const BOX = [0.1, 0.1, 0.5, 0.5] as const;
const row = (id: string, task: string): Row =>
  ({
    id,
    task,
    split: 'heldout',
    images: ['a.png'],
    prompt: [],
    answer: [],
    solution: [{ image: 0, box: BOX }],
    source: { file: 'f', line: 1 },
  }) as unknown as Row;
/** Samples that hit (1) or miss (0). */
const samples = (id: string, hits: readonly number[]): readonly Prediction[] =>
  hits.map((hit, sample) => ({
    row: id,
    text: '',
    boxes: [{ image: 0, box: hit ? BOX : [0.8, 0.8, 0.9, 0.9] }] as unknown as Prediction['boxes'],
    parsed: true,
    refused: false,
    sizes: [{ width: 10, height: 10 }],
    sample,
  }));

test('k doubles up to the number of samples, and one sample has a mean alone', () => {
  expect([1, 2, 3, 4, 8, 12].map(passes)).toEqual([[], [2], [2, 3], [2, 4], [2, 4, 8], [2, 4, 8, 12]]);
});

test('pass@1 is the mean over samples, and pass@n is the share of rows with a hit', () => {
  const rows = [4, 2, 1, 0].map((hits) => ({ task: '', hits }));
  expect(meanPass(rows, 4, 1).value).toBeCloseTo(7 / 16, 12);
  // 1, 1 − C(2,2)/C(4,2), 1 − C(3,2)/C(4,2), 0
  expect(meanPass(rows, 4, 2).value).toBeCloseTo((1 + 5 / 6 + 1 / 2 + 0) / 4, 12);
  expect(meanPass(rows, 4, 4)).toEqual({ value: 0.75, interval: expect.anything() });
});

test('the interval of rows that are all solved still says how few they are', () => {
  const [low, high] = meanPass([{ task: '', hits: 2 }], 2, 2).interval;
  expect(low).toBeCloseTo(0.2065, 3);
  expect(high).toBe(1);
});

test('tasks stand beside each other with n, and rows that lack samples are counted apart', () => {
  const rows = [row('a', 'find'), row('b', 'find'), row('c', 'tell'), row('d', 'tell')];
  const answers = new Map([
    ['a', samples('a', [1, 1])],
    ['b', samples('b', [1, 0])],
    ['c', samples('c', [0, 0])],
    ['d', samples('d', [1])],
  ]);
  const told = printSampled(rows, answers, { samples: 2, temperature: 0.7 });
  expect(told).toContain('held-out rows, 2 answers a row at temperature 0.7');
  expect(told).toMatch(/strict +n +mean of 2 +pass@2\n/);
  expect(told).toMatch(/find +2 +75\.0 \[[^\]]+\] +100\.0 \[34\.2–100\.0\]\n/);
  expect(told).toMatch(/tell +1 +0\.0 \[0\.0–79\.3\] +0\.0 \[0\.0–79\.3\]\n/);
  expect(told).toMatch(/all rows +3 +50\.0 \[[^\]]+\] +66\.7 \[/);
  expect(told).toContain('1 of 4 rows lack samples and are not counted.');
});
