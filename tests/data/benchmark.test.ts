/** A benchmark is known by its file, not by a row of it. */
import { expect, test } from 'vitest';
import { allRows, llava, open } from './make-dataset.ts';

const row = (i: number, answer: readonly number[], extra: object = {}) => ({
  task: 'common_object',
  images: ['images/a.png', 'images/b.png'],
  question: `Find what all pictures share in Image-${1 + (i % 2)}.`,
  answer,
  additional_info: '',
  need_format: true,
  ...extra,
});
const fraction = (i: number) => [0.1, 0.2, 0.3 + (i % 5) / 10, 0.6];

test('a number a little above 1 makes no training row of it: the box is cut, and all rows stay held out', async () => {
  const rows = Array.from({ length: 24 }, (_, i) => row(i, i === 7 ? [0.5, 0.5, 1.05, 0.9] : fraction(i)));
  const { report } = await open({ 'bench.json': rows });
  expect(report).toMatchObject({
    format: 'MIG-Bench',
    train: 0,
    heldout: 24,
    leftOut: 0,
    questions: [],
    conventions: [],
  });
  expect(report.ledger.find(({ key }) => key === 'box-cut')).toMatchObject({ count: 1, places: [{ line: 8 }] });
});

test('thousandths under the same keys are the revised benchmark, and held out', async () => {
  const rows = Array.from({ length: 30 }, (_, i) => row(i, [100, 200, 300 + i, 1000]));
  const dataset = await open({ 'revised.json': rows });
  expect(dataset.report).toMatchObject({
    format: 'MIG-Bench, revised by UniVG-R1',
    train: 0,
    heldout: 30,
    questions: [],
  });
  const first = (await allRows(dataset)).find(({ source }) => source.line === 1)!;
  expect(first.solution[0]!.box).toEqual([0.1, 0.2, 0.3, 1]);
});

test('training rows with some of its keys are trained on', async () => {
  const rows = Array.from({ length: 30 }, (_, i) => {
    const { task, question, answer } = row(i, [100, 200, 300 + i, 990 - i]);
    return { task, question, answer, images: ['images/a.png'] };
  });
  const { report } = await open({ 'train.json': rows }, { split: 'files' });
  expect(report).toMatchObject({ format: 'question and answer', train: 30, heldout: 0 });
});

test('a row of a benchmark among rows of one’s own is held out alone, and told', async () => {
  const rows = [
    ...Array.from({ length: 30 }, (_, i) => llava(`<image>Where is ${i}?`, 'yes', 1)),
    row(1, [100, 200, 300, 400]),
  ];
  const { report } = await open({ 'train.json': rows }, { split: 'files' });
  expect(report).toMatchObject({ train: 30, heldout: 1, questions: [] });
  expect(report.notes).toContain(
    'train.json holds 1 row of MIG-Bench, revised by UniVG-R1, held out, among 30 other rows, read as usual.',
  );
  expect(report.ledger.find(({ key }) => key === 'beside-benchmark')).toMatchObject({ count: 30 });
});

test('its words say in which picture a box lies, where the question does not number it', async () => {
  const unnumbered = { question: 'Give the box of the small lamp.' };
  const region =
    'You are given a source image followed by its several regions. Please locate the 2th region picture in the source image.';
  const said = [
    row(0, [0.2, 0.2, 0.5, 0.5], { ...unnumbered, additional_info: 'It is in the first image. (200,200),(500,500)' }),
    row(1, [0.2, 0.2, 0.5, 0.5], {
      ...unnumbered,
      additional_info: 'It is in the second image: (700,200),(900,500). In the first image: (200,200),(500,500).',
    }),
    row(2, [0.1, 0.2, 0.5, 0.5], { ...unnumbered, additional_info: 'Look at Image-1.' }),
    row(3, [0.1, 0.2, 0.5, 0.5], { task: 'region', question: region }),
    row(4, [0.1, 0.2, 0.5, 0.5], unnumbered),
  ];
  const dataset = await open({ 'bench.json': said });
  const solutions = (await allRows(dataset)).map(({ solution: [box] }) => [box!.image, box!.imageGuessed ?? false]);
  expect(solutions).toEqual([
    [0, false],
    [0, false],
    [0, false],
    [0, false],
    [1, true],
  ]);
  // Nobody is asked: a benchmark is not trained on.
  expect(dataset.report.questions).toEqual([]);
});
