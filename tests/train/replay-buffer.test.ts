import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { ReplayBuffer, type ReplayedGroup } from '../../src/train/replay-buffer.ts';

const group = (row: number, score: number): ReplayedGroup => ({
  row,
  score,
  advantages: [],
  truncated: [],
  tokens: [],
  logProbs: [],
});
const rows = (groups: readonly ReplayedGroup[]) => groups.map(({ row }) => row);

test('keeps the groups with the highest scores', () => {
  const buffer = new ReplayBuffer(3);
  [5, 1, 3, 2, 9].forEach((score, row) => buffer.offer(group(row, score)));
  expect(rows(buffer.state).sort()).toEqual([0, 2, 4]);
  // What is no better than the worst does not take its place.
  buffer.offer(group(7, 3));
  expect(rows(buffer.state).sort()).toEqual([0, 2, 4]);
});

test('draws by score, none twice as long as there are enough', () => {
  const buffer = new ReplayBuffer(8);
  [1, 1, 8].forEach((score, row) => buffer.offer(group(row, score)));
  const random = new Random(5);
  const firsts = Array.from({ length: 400 }, () => buffer.draw(1, random)[0]!.row);
  const share = firsts.filter((row) => row === 2).length / firsts.length;
  expect(share).toBeGreaterThan(0.7);
  expect(share).toBeLessThan(0.9);
  expect(rows(buffer.draw(3, random)).sort()).toEqual([0, 1, 2]);
  expect(buffer.draw(5, random)).toHaveLength(5);
});

test('an empty buffer gives nothing', () => {
  expect(new ReplayBuffer(4).draw(2, new Random(1))).toEqual([]);
  const none = new ReplayBuffer(0);
  none.offer(group(0, 1));
  expect(none.state).toEqual([]);
});

test('goes on from what it was, through JSON', () => {
  const buffer = new ReplayBuffer(2);
  [2, 4, 3].forEach((score, row) => buffer.offer(group(row, score)));
  const again = new ReplayBuffer(2, JSON.parse(JSON.stringify(buffer.state)) as typeof buffer.state);
  expect(rows(again.draw(2, new Random(3)))).toEqual(rows(buffer.draw(2, new Random(3))));
});
