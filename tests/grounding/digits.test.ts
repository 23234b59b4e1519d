import { describe, expect, test } from 'vitest';
import { box01 } from '../../src/grounding/box.ts';
import { CONVENTIONS } from '../../src/grounding/convention.ts';
import { coordinateSpans } from '../../src/grounding/digits.ts';

const sizes = [
  { width: 448, height: 336 },
  { width: 1008, height: 616 },
];
const boxes = [
  { image: 1, box: box01(0.25, 0.5, 0.75, 1), label: 'cup 12' },
  { image: 0, box: box01(0, 0.125, 0.5, 0.625), label: 'cup 12' },
];

describe.each(Object.values(CONVENTIONS))('$family', (convention) => {
  test.each([1, 2])('every number of %i boxes is found where it is written', (count) => {
    const solution = boxes.slice(0, count);
    const thought = `<think>There are 4 cups, one at ${convention.formatBox(solution[0]!.box, sizes[1]!)}.</think>`;
    const text = thought + convention.formatAnswer(solution, sizes, { labels: true });
    const numbers = solution.map(({ image, box }) => convention.write(box, sizes[image]!));
    const spans = coordinateSpans(text, numbers, thought.length);
    expect(spans.map((box) => box?.map(({ start, end }) => Number(text.slice(start, end))))).toEqual(numbers);
    for (const span of spans.flatMap((box) => box!)) expect(span.start).toBeGreaterThanOrEqual(thought.length);
  });
});

test('a box that is not written is null, and the next one is still found', () => {
  expect(
    coordinateSpans('[1, 2, 3, 4] [11, 2, 3, 4]', [
      [5, 6, 7, 8],
      [1, 2, 3, 4],
    ]),
  ).toEqual([
    null,
    [
      { start: 1, end: 2 },
      { start: 4, end: 5 },
      { start: 7, end: 8 },
      { start: 10, end: 11 },
    ],
  ]);
});

test('a number inside a longer one is not it', () => {
  expect(coordinateSpans('(112,2),(3,40)', [[12, 2, 3, 4]])).toEqual([null]);
  expect(coordinateSpans('(12,2),(3,4.5)', [[12, 2, 3, 4]])).toEqual([null]);
});
