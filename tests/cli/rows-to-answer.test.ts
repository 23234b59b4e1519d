import { expect, test } from 'vitest';
import { asksOf } from '../../src/cli/rows-to-answer.ts';
import type { Row } from '../../src/data/row.ts';
import type { Prediction } from '../../src/evaluate/prediction.ts';

const rows = ['a', 'b', 'c'].map((id) => ({ id, task: '', images: [] }) as unknown as Row);
const answer = (row: string, sample?: number): Prediction => ({
  row,
  text: '',
  boxes: [],
  parsed: false,
  refused: false,
  sizes: [],
  ...(sample === undefined ? {} : { sample }),
});
const settings = { seed: 7, tokens: 16, batch: 2, samples: null };

test('rows are asked in batches, without those that are answered', () => {
  expect(asksOf(rows, new Map(), settings).map(({ rowIds }) => rowIds)).toEqual([['a', 'b'], ['c']]);
  expect(asksOf(rows, new Map([['a', [answer('a')]]]), settings)).toEqual([{ rowIds: ['b', 'c'], tokens: 16 }]);
});

test('samples are asked row by row, and those that are missing are drawn with the seed they would have had', () => {
  const sampled = { ...settings, samples: 3 };
  const all = asksOf(rows.slice(0, 2), new Map(), sampled);
  expect(all.map(({ rowIds, drawn }) => [rowIds[0], drawn!.first, drawn!.count, drawn!.seed])).toEqual([
    ['a', 0, 2, 7],
    ['a', 2, 1, 9],
    ['b', 0, 2, 10],
    ['b', 2, 1, 12],
  ]);
  const kept = new Map([
    ['a', [0, 1, 2].map((sample) => answer('a', sample))],
    ['b', [answer('b', 0), answer('b', 1)]],
  ]);
  expect(asksOf(rows.slice(0, 2), kept, sampled)).toEqual([all[3]]);
});
