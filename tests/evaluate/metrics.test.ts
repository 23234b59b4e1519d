import { expect, test } from 'vitest';
import { passAtK } from '../../src/evaluate/interval.ts';
import { hits, type Prediction, type RowScore, scoreAnswer, summarize } from '../../src/evaluate/metrics.ts';
import { box01, type GroundedBox } from '../../src/grounding/box.ts';

const at = (image: number, ...q: [number, number, number, number]): GroundedBox => ({ image, box: box01(...q) });
const TRUTH = at(1, 0, 0, 0.5, 1);
const answer = (boxes: Prediction['boxes'], more: Partial<Prediction> = {}): Prediction => ({
  rowId: 'r',
  task: 't',
  images: 2,
  boxes,
  parsed: boxes.length > 0,
  solution: [TRUTH],
  ...more,
});

test('a row of one box is scored by the first box given', () => {
  expect(scoreAnswer(answer([at(1, 0, 0, 0.5, 0.5), TRUTH]))).toEqual({
    rowId: 'r',
    task: 't',
    iou: 0.5,
    rightImage: true,
    parsed: true,
  });
});

test('the wrong image is IoU 0, and so is an unsaid one', () => {
  expect(scoreAnswer(answer([at(0, 0, 0, 0.5, 1)]))).toMatchObject({ iou: 0, rightImage: false, parsed: true });
  expect(scoreAnswer(answer([{ image: null, box: TRUTH.box }]))).toMatchObject({ iou: 0, rightImage: false });
});

test('“nothing” is right where nothing is there, and counted where something is', () => {
  const none = { solution: [], wanted: { kind: 'nothing' } as const };
  expect(scoreAnswer(answer([], { ...none, answer: '[]' }))).toMatchObject({ iou: 1, parsed: true, kind: 'nothing' });
  expect(scoreAnswer(answer([TRUTH], { ...none, answer: '' }))).toMatchObject({ iou: 0, parsed: true });
  expect(scoreAnswer(answer([], { ...none, answer: 'hm' }))).toMatchObject({ iou: 0, parsed: false });
  expect(scoreAnswer(answer([], { solution: [] }))).toBeNull();
  const scores = [
    scoreAnswer(answer([], { ...none, answer: 'none' }))!,
    scoreAnswer(answer([], { answer: 'none' }))!,
    scoreAnswer(answer([TRUTH, at(0, 0, 0, 1, 1)], { solution: [TRUTH, at(0, 0, 0, 1, 1)] }))!,
  ];
  expect(summarize(scores)).toMatchObject({
    n: 3,
    overRefused: 1,
    kinds: { nothing: { n: 1, accAt50: 1 }, several: { n: 1, accAt50: 1 } },
  });
});

test('of options, the letter is right or wrong', () => {
  const choice = { solution: [], wanted: { kind: 'choice', letter: 'B', choices: 3 } as const };
  expect(scoreAnswer(answer([], { ...choice, answer: '(B)' }))).toMatchObject({ iou: 1, parsed: true, kind: 'choice' });
  expect(scoreAnswer(answer([], { ...choice, answer: 'A' }))).toMatchObject({ iou: 0, parsed: true });
  expect(scoreAnswer(answer([TRUTH], { ...choice, answer: 'E' }))).toMatchObject({ iou: 0, parsed: false });
});

test('rows of several boxes are scored by the best matching, images by all of them', () => {
  const solution = [TRUTH, at(0, 0, 0, 1, 1)];
  expect(scoreAnswer(answer([solution[1]!, TRUTH], { solution }))).toMatchObject({ iou: 1, rightImage: true });
  expect(scoreAnswer(answer([TRUTH], { solution }))).toMatchObject({ iou: 0.5, rightImage: false });
});

test('where there is no choice of image, none is right or wrong', () => {
  expect(scoreAnswer(answer([at(0, 0, 0, 0.5, 1)], { images: 1, solution: [at(0, 0, 0, 0.5, 1)] }))).toMatchObject({
    iou: 1,
    rightImage: null,
  });
  expect(scoreAnswer(answer([TRUTH], { solution: [{ ...TRUTH, image: 0, imageGuessed: true }] }))).toMatchObject({
    iou: 1,
    rightImage: null,
  });
});

test('an unread answer is IoU 0, a wrong image, and counted apart; rows without a solution are left out', () => {
  expect(scoreAnswer(answer([]))).toMatchObject({ iou: 0, rightImage: false, parsed: false });
  expect(scoreAnswer(answer([TRUTH], { solution: [] }))).toBeNull();
});

const row = (task: string, iou: number, rightImage: boolean | null = true, parsed = true): RowScore => ({
  rowId: `${task}${iou}`,
  task,
  iou,
  rightImage,
  parsed,
});

test('accuracies, mean IoU, failures, per task, by rows and by tasks', () => {
  const scores = [row('a', 0.3), row('a', 0.5), row('a', 0.7), row('a', 0, false, false), row('b', 0.49)];
  const all = summarize(scores);
  expect(all).toMatchObject({ n: 5, accAt30: 0.8, accAt50: 0.4, accAt70: 0.2, parseFailures: 1, imageAccuracy: 0.8 });
  expect(all.meanIoU).toBeCloseTo(1.99 / 5, 12);
  expect(all.tasks.a).toEqual({ n: 4, accAt30: 0.75, accAt50: 0.5, accAt70: 0.25, meanIoU: 0.375, parseFailures: 1 });
  expect(all.macro).toMatchObject({ accAt30: 0.875, accAt50: 0.25 });
  expect(all.accAt50Interval[0]).toBeLessThan(0.4);
  expect(all.accAt50Interval[1]).toBeGreaterThan(0.4);
});

test('image accuracy is of rows with a choice; without any, of rows read', () => {
  expect(summarize([row('a', 1, null), row('a', 1, true), row('a', 0, false)]).imageAccuracy).toBe(0.5);
  expect(summarize([row('a', 1, null), row('a', 0, null, false)]).imageAccuracy).toBe(0.5);
});

test('no rows are no accuracy, not a perfect or a zero one', () => {
  const none = summarize([]);
  expect(none).toMatchObject({ n: 0, parseFailures: 0, tasks: {} });
  expect(none.accAt50).toBeNaN();
});

test('the threshold itself is a hit', () => {
  expect(hits([row('a', 0.5), row('a', 0.4999)], 0.5)).toEqual([1, 0]);
});

test('pass@k is the chance that k of the samples drawn hold a success', () => {
  expect(passAtK(4, 1, 1)).toBeCloseTo(0.25, 12);
  expect(passAtK(4, 2, 2)).toBeCloseTo(1 - 1 / 6, 12);
  expect(passAtK(4, 0, 4)).toBe(0);
  expect(passAtK(4, 1, 4)).toBe(1);
});
