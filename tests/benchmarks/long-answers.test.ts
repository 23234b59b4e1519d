/** An answer that never ends is scored in the time that its length takes, not the square of it. */
import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { BENCHMARKS } from '../../src/benchmarks/index.ts';
import { foursIn } from '../../src/benchmarks/read.ts';
import { readChoice } from '../../src/grounding/choice.ts';

const LENGTH = 60_000;
const question = (benchmark: string) => ({
  benchmark,
  prompt: '',
  boxes: [{ corners: [10, 20, 100, 60] as const, image: 0, label: 'cup' }],
  space: 'natural' as const,
  choice: { letter: 'B', options: 4 },
  categories: ['cup'],
  imageIds: [1],
});

test.each([
  ['digits', '1'.repeat(LENGTH)],
  ['digits in a bracket', `[${'1'.repeat(LENGTH)}`],
  ['blanks after a fence', `\`\`\`json${' '.repeat(LENGTH)}x`],
  ['blanks after “answer”', `answer${' '.repeat(LENGTH)}is`],
  ['braces within braces', '{'.repeat(LENGTH / 2) + '}'.repeat(LENGTH / 2)],
  ['braces before a key', `${'{'.repeat(LENGTH)}"bbox_2d"`],
  ['dots and a letter', `${'.'.repeat(LENGTH)}a.`],
])('%s', (_, text) => {
  const start = process.cpuUsage();
  for (const { name, score } of Object.values(BENCHMARKS))
    score('task', question(name), { text, boxes: [], sizes: [{ width: 200, height: 100 }] });
  readChoice(text, 4);
  // Processor time, with room: what these took before were 10 s and more.
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(5);
});

test('four numbers are found where the plain pattern of the scripts finds them', () => {
  const plain = /(-?\d+(?:\.\d+)?)[\s,]+(-?\d+(?:\.\d+)?)[\s,]+(-?\d+(?:\.\d+)?)[\s,]+(-?\d+(?:\.\d+)?)/g;
  const random = new Random(5);
  let found = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: 24 }, () => '12 ,-. '[random.below(7)]).join('');
    const wanted = [...text.matchAll(plain)].map((match) => match.slice(1, 5).map(Number));
    expect(foursIn(text)).toEqual(wanted);
    found += wanted.length;
  }
  expect(found).toBeGreaterThan(1000);
});
