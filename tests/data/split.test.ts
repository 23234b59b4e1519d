import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectedGroups, drawSplit, shortfallsOf, splitByName, type RowPictures } from '../../src/data/split.ts';
import { llava, open } from './make-dataset.ts';

test.each([
  ['train.jsonl', 'train'],
  ['heldout.jsonl', 'heldout'],
  ['set/val2017.json', 'heldout'],
  ['data/test/rows.json', 'heldout'],
  ['test/train.jsonl', 'train'],
  ['common_train_70k.json', 'train'],
  ['refcoco-val.json', 'heldout'],
  ['data.jsonl', null],
  ['trainer.json', null],
  ['testimony.json', null],
  ['evaluate.json', null],
] as const)('%s → %s', (path, split) => {
  expect(splitByName(path)).toBe(split);
});

/** Pictures by name, as the index keeps them. */
function packed(rows: readonly { readonly images: readonly string[] }[]): RowPictures {
  const names = [...new Set(rows.flatMap(({ images }) => images))];
  let end = 0;
  return {
    ends: rows.map(({ images }) => (end += images.length)),
    pictures: rows.flatMap(({ images }) => images.map((name) => names.indexOf(name))),
  };
}

const rows = fc.array(fc.record({ images: fc.array(fc.nat(30).map(String), { maxLength: 3 }) }), {
  minLength: 1,
  maxLength: 40,
});

describe('the draw', () => {
  test('no picture is on both sides, the same seed gives the same draw, and training keeps at least half', () => {
    fc.assert(
      fc.property(rows, fc.nat(), (list, seed) => {
        const { splits } = drawSplit(packed(list), seed, 0.2);
        const images = (side: string) => new Set(list.flatMap((row, i) => (splits[i] === side ? row.images : [])));
        const trained = images('train');
        expect([...images('heldout')].filter((image) => trained.has(image))).toEqual([]);
        expect(drawSplit(packed(list), seed, 0.2).splits).toEqual(splits);
        expect(splits.filter((split) => split === 'train').length).toBeGreaterThanOrEqual(list.length / 2);
      }),
    );
  });

  test('rows are in one group exactly if a chain of pictures joins them', () => {
    const groups = connectedGroups(
      packed([{ images: ['a', 'b'] }, { images: ['c'] }, { images: ['b', 'd'] }, { images: ['d'] }, { images: [] }]),
    );
    expect(groups[0]).toBe(groups[2]);
    expect(groups[2]).toBe(groups[3]);
    expect(new Set(groups).size).toBe(3);
  });

  test('every task is held out by its share, the rare as well', () => {
    const list = Array.from({ length: 230 }, (_, i) => ({ images: [`${i}`] }));
    const tasks = list.map((_, i) => (i < 200 ? 0 : i < 225 ? 1 : 2));
    for (let seed = 0; seed < 20; seed++) {
      const held = drawSplit(packed(list), seed, 0.1, tasks).splits.flatMap((split, i) =>
        split === 'heldout' ? [tasks[i]!] : [],
      );
      expect([0, 1, 2].map((task) => held.filter((each) => each === task).length)).toEqual([20, 3, 1]);
    }
  });

  test('it takes about the share asked for', () => {
    const list = Array.from({ length: 200 }, (_, i) => ({ images: [`${i}`] }));
    expect(drawSplit(packed(list), 1, 0.1).splits.filter((split) => split === 'heldout')).toHaveLength(20);
  });
});

test('pictures on both sides of a split made by file names are mentioned', async () => {
  const row = llava('<image>?', 'yes', 1);
  const { report } = await open({ 'train.json': [row], 'heldout.json': [row] });
  expect(report).toMatchObject({ train: 1, heldout: 1 });
  expect(report.notes.join()).toContain('2 rows use pictures that are both in training and held out');
});

test('what a split leaves without rows is said', () => {
  const task = (name: string, train: number, heldout: number) => ({ name, train, heldout });
  expect(shortfallsOf([task('a', 4, 1), task('b', 5, 2)])).toEqual([]);
  expect(shortfallsOf([task('a', 4, 1), task('rare', 1, 0)])[0]).toContain('rare');
  expect(shortfallsOf([task('a', 4, 0)])[0]).toContain('No row is held out');
  expect(shortfallsOf([task('a', 0, 4)])[0]).toContain('no training rows');
  expect(shortfallsOf([])).toEqual([]);
});
