import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import type { RowList } from '../../src/data/row-list.ts';
import { box01 } from '../../src/grounding/box.ts';
import { DRAW, drawFaults, type DrawSettings } from '../../src/train/draw-settings.ts';
import { Draws, Mixture, mixtureWords, Unvaried } from '../../src/train/draws.ts';
import { Batches, RowSampler } from '../../src/train/plan-steps.ts';
import { parseRecipe, readRecipe } from '../../src/train/recipe-schema.ts';
import { sftStage } from '../../src/train/stages/index.ts';

/** Rows of files a (60 rows), b (30) and c (10), of which every third has no task. */
const FILES = ['a', 'b', 'c'] as const;
const fileOf = (i: number) => (i < 60 ? 'a' : i < 90 ? 'b' : 'c');
const rowOf = (i: number, words = 'Find it.'): Row => ({
  id: `row-${i}`,
  task: i % 3 ? 'find' : '',
  split: 'train',
  images: ['x.png'],
  prompt: [
    {
      role: 'user',
      content: [
        { type: 'image', image: 0 },
        { type: 'text', text: words },
      ],
    },
  ],
  answer: [{ type: 'box', box: { image: 0, box: box01(0.2, 0.2, 0.4, 0.4) } }],
  solution: [{ image: 0, box: box01(0.2, 0.2, 0.4, 0.4) }],
  source: { file: fileOf(i), line: i },
});
const rows: RowList = {
  length: 100,
  id: (i) => rowOf(i).id,
  task: (i) => rowOf(i).task,
  file: fileOf,
  hasSolution: () => true,
  pictures: () => [0],
  read: async (places) => places.map((i) => rowOf(i)),
};
const samples = { naturalSizes: async () => [{ width: 100, height: 80 }] };
const byFile = (shares: Record<string, number>): DrawSettings => ({ ...DRAW, mixBy: 'file', shares });

test('a pass has its shares, and over passes every row of a file is drawn as often as the others', () => {
  const mixture = new Mixture(rows, byFile({ c: 0.5, b: 0.2 }), 7);
  expect(mixture.groups).toEqual([
    { name: 'a', rows: 60, draws: 30 },
    { name: 'b', rows: 30, draws: 20 },
    { name: 'c', rows: 10, draws: 50 },
  ]);
  const drawn = Array.from({ length: 6 }, (_, epoch) => mixture.pass(epoch));
  for (const pass of drawn) {
    expect(pass).toHaveLength(100);
    expect(FILES.map((file) => pass.filter((i) => fileOf(i) === file).length)).toEqual([30, 20, 50]);
  }
  const times = (i: number) => drawn.flat().filter((place) => place === i).length;
  expect(Array.from({ length: 100 }, (_, i) => times(i))).toEqual(
    Array.from({ length: 100 }, (_, i) => ({ a: 3, b: 4, c: 30 })[fileOf(i)]),
  );
});

test('a share of 0 leaves a file out, and what is not named shares the rest by its rows', () => {
  const groups = (shares: Record<string, number>) =>
    new Mixture(rows, byFile(shares), 1).groups.map(({ draws }) => draws);
  expect(groups({ a: 0 })).toEqual([0, 75, 25]);
  expect(groups({ a: 0.2 })).toEqual([20, 60, 20]);
  // Nothing is left that could have the rest: the shares are taken as they stand to each other.
  expect(groups({ a: 0.2, b: 0.2, c: 0.1 })).toEqual([40, 40, 20]);
  // A file that is not there takes nothing away.
  expect(groups({ a: 0.3, gone: 0.4 })).toEqual([50, 38, 12]);
  expect(() => groups({ a: 0, b: 0, c: 0 })).toThrow(/share of 0/);
  const tasks = new Mixture(rows, { ...DRAW, mixBy: 'task', shares: { '': 0.9 } }, 1);
  expect(mixtureWords(tasks.groups)).toBe(
    'Of the 100 draws of a pass, 10 from find (66 rows), 90 from rows without a task (34 rows).',
  );
});

test('a run resumed anywhere draws the same rows, changed alike', async () => {
  const draw: DrawSettings = { ...byFile({ c: 0.6 }), flip: 0.5, crop: 0.5, colour: 1 };
  const begin = (from: ConstructorParameters<typeof RowSampler>[1]) => {
    const draws = new Draws(rows, draw, 5, samples, true);
    const batches = new Batches(new RowSampler(rows.length, from, draws.pass), (sampler) => sampler.nextInEpoch(7));
    const next = async (peeked: boolean) => {
      if (peeked) batches.peek();
      const first = batches.drawn;
      return draws.read(batches.next(), first);
    };
    return { batches, next };
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(40), fc.boolean(), async (before, peeked) => {
      const whole = begin(5);
      for (let i = 0; i < before; i++) await whole.next(peeked);
      if (peeked) whole.batches.peek();
      const resumed = begin(JSON.parse(JSON.stringify(whole.batches.state)) as typeof whole.batches.state);
      for (let i = 0; i < 20; i++) expect(await resumed.next(false)).toEqual(await whole.next(peeked));
    }),
    { numRuns: 25 },
  );
});

test('a row that is drawn again is changed in another way, and a stage that takes rows as they are gets them so', async () => {
  const draw: DrawSettings = { ...DRAW, crop: 1 };
  const draws = new Draws(rows, draw, 5, samples, true);
  const [first, again] = [(await draws.read([3], 0))[0]!, (await draws.read([3], 50))[0]!];
  expect(first.changes).not.toEqual(again.changes);
  expect(await new Draws(rows, draw, 5, samples, false).read([3], 0)).toEqual([rowOf(3)]);
});

test('rows that keep what is asked to be changed are counted with their reasons', () => {
  const unvaried = new Unvaried({ ...DRAW, flip: 0.5, scale: 1 });
  for (const [i, words] of ['Find it.', 'The left one.', 'The left cup.', 'The cup that reads A.'].entries())
    unvaried.see(rowOf(i, words));
  expect(unvaried.words()).toEqual(['3 of 4 rows are not mirrored: 2 rows speak of sides; 1 row speaks of writing.']);
});

test('settings are read with their defaults, and refused with their place', () => {
  const recipe = { name: 'x', seed: 1, stages: [sftStage()] };
  const text = JSON.stringify({ ...recipe, draw: { mixBy: 'file', shares: { a: 0.5 }, flip: 0.1 } });
  expect(parseRecipe(text, 'x.json', 'refused').draw).toEqual({
    ...DRAW,
    mixBy: 'file',
    shares: { a: 0.5 },
    flip: 0.1,
  });
  const faults = (draw: unknown) => {
    const read = readRecipe({ ...recipe, draw }, 'refused');
    return 'faults' in read ? read.faults.map(({ path, found }) => `${path}: ${found}`) : [];
  };
  expect(faults({ flip: 2, mixBy: 'sex', rotate: 1, shares: { a: '1', b: -1 } })).toEqual([
    'draw.flip: 2',
    'draw.mixBy: the text “sex”',
    'draw.rotate: 1',
    'draw.shares.a: the text “1”',
    'draw.shares.b: -1',
  ]);
  expect(faults([])).toEqual(['draw: an empty list']);
  expect(faults({ shares: [1] })).toEqual(['draw.shares: a list']);
  expect(drawFaults(byFile({ a: 0.7, b: 0.4 }))).toEqual([
    'The shares of the mixture sum to 1.1, which is more than 1.',
  ]);
  expect(drawFaults(byFile({}))).toEqual(['The rows are to be mixed by file, and no share is given.']);
  expect(drawFaults(byFile({ a: 0 }))).toEqual(['Every share of the mixture is 0.']);
  expect(drawFaults(byFile({ a: 0.1, b: 0.2, c: 0.7 }))).toEqual([]);
});
