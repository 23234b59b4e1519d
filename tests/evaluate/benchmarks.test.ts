import { expect, test } from 'vitest';
import { BLINK_TASKS, readBlink, scoreBlink } from '../../src/evaluate/blink.ts';
import { type RowScore } from '../../src/evaluate/metrics.ts';
import { MIG_TASKS, scoreAsPublished, scoreMigBench } from '../../src/evaluate/migbench.ts';
import { readMmiu, scoreMmiu } from '../../src/evaluate/mmiu.ts';
import { readChoice } from '../../src/evaluate/multiple-choice.ts';
import { box01 } from '../../src/grounding/box.ts';

const row = (task: string, iou: number): RowScore => ({ rowId: 'r1', task, iou, rightImage: null, parsed: true });

test('MIG-Bench has ten tasks and 4,295 questions, BLINK fourteen and 1,901', () => {
  const sum = (tasks: Readonly<Record<string, number>>) => Object.values(tasks).reduce((a, b) => a + b, 0);
  expect([Object.keys(MIG_TASKS).length, sum(MIG_TASKS)]).toEqual([10, 4295]);
  expect([Object.keys(BLINK_TASKS).length, sum(BLINK_TASKS)]).toEqual([14, 1901]);
});

test('MIG-Bench gives the average of tasks and of questions, and says which tasks are missing', () => {
  const { evaluation, missingTasks } = scoreMigBench(
    [row('region', 1), row('region', 1), row('region', 1), row('diff', 0)],
    1,
  );
  expect(evaluation.accAt50).toBe(0.75);
  expect(evaluation.macro.accAt50).toBe(0.5);
  expect(missingTasks).toHaveLength(8);
  expect(() => scoreMigBench([row('toString', 1)], 1)).toThrow(expect.objectContaining({ code: 'migbench-task' }));
});

test('as published, the first pattern anywhere wins and the image is not looked at', () => {
  const task = { rowId: 'r', task: 'diff', solution: [{ image: 1, box: box01(0.1, 0.1, 0.3, 0.3) }] };
  expect(scoreAsPublished(task, 'In Image-1: (100,100),(300,300)')).toEqual({
    rowId: 'r',
    task: 'diff',
    iou: 1,
    rightImage: null,
    parsed: true,
  });
  expect(scoreAsPublished(task, '<think>(1,2),(3,4)</think><answer>(100,100),(300,300)</answer>').iou).toBe(0);
  expect(scoreAsPublished(task, 'nothing')).toMatchObject({ iou: 0, parsed: false });
});

test.each([
  ['B', 'B'],
  ['(b)', 'B'],
  ['B.', 'B'],
  ['(C) the third', 'C'],
  ['B: a cat', 'B'],
  ['The picture shows it. (D)', 'D'],
  ['The answer is C.', 'C'],
  ['Answer: (a)', 'A'],
  ['<think>(A) is wrong</think><answer>B</answer>', 'B'],
  ['An apple', null],
  ['A cat is in B', null],
  ['(A) or (B)?', null],
  ['The answer is A, no, the answer is B', null],
  ['Either (A) or (B).', null],
  ['E', null],
  ['', null],
])('"%s" of four choices means %s', (text, letter) => {
  expect(readChoice(text, 4)).toBe(letter);
});

test('BLINK’s score is the mean over sub-tasks; what cannot be read is wrong and counted', () => {
  const read = (sub_task: string, answer: string, text: string) => readBlink({ sub_task, answer, choices: 4 }, text);
  const scores = scoreBlink([
    read('Counting', '(B)', 'B'),
    read('Counting', '(C)', 'I see'),
    read('Jigsaw', '(A)', '(A)'),
  ]);
  expect(scores).toMatchObject({
    n: 3,
    macro: 0.75,
    parseFailures: 1,
    tasks: { Counting: { n: 2, accuracy: 0.5, parseFailures: 1 } },
  });
  expect(scores.micro).toBeCloseTo(2 / 3, 12);
});

test('MMIU counts each question once and keeps tasks without a hit', () => {
  const options = 'A: left\nB: right\nC: none';
  const read = (task: string, output: string, text: string) => readMmiu({ task, output, options }, text);
  const scores = scoreMmiu([read('x', 'A', 'A'), read('x', 'B.', '(B)'), read('y', 'C', 'D')]);
  expect(scores).toMatchObject({
    n: 3,
    macro: 0.5,
    parseFailures: 1,
    tasks: { x: { accuracy: 1 }, y: { accuracy: 0, n: 1 } },
  });
});
