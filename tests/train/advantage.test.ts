import fc from 'fast-check';
import { expect, test } from 'vitest';
import { computeAdvantages, meanOf, stdOf, weightedReward } from '../../src/train/advantage.ts';

const column = (rewards: (number | null)[]) => rewards.map((r) => [r]);

test('a group’s advantages are centred and divided by its unbiased deviation + 1e-4', () => {
  const { advantages, fracRewardZeroStd } = computeAdvantages(column([1, 0, 0, 1]), [1], 4, 'group');
  const std = Math.sqrt((4 * 0.25) / 3);
  advantages.forEach((a, i) => expect(a).toBeCloseTo(([0.5, -0.5, -0.5, 0.5][i] as number) / (std + 1e-4), 12));
  expect(fracRewardZeroStd).toBe(0);
});

test('batch scaling keeps the group’s mean but takes everyone’s deviation; none takes no deviation', () => {
  const rewards = column([1, 0, 4, 4]);
  const std = stdOf([1, 0, 4, 4]);
  expect(computeAdvantages(rewards, [1], 2, 'batch').advantages).toEqual([
    0.5 / (std + 1e-4),
    -0.5 / (std + 1e-4),
    0,
    0,
  ]);
  expect(computeAdvantages(rewards, [1], 2, 'none').advantages).toEqual([0.5, -0.5, 0, 0]);
});

test('groups whose rewards are all equal are counted: they teach nothing', () => {
  expect(computeAdvantages(column([1, 0, 0.7, 0.7]), [1], 2, 'group').fracRewardZeroStd).toBe(0.5);
  expect(computeAdvantages(column([1, 0, 0.7, 0.7]), [1], 2, 'none').fracRewardZeroStd).toBe(0.5);
  expect(computeAdvantages(column([1, 0, 0.7, 0.7]), [1], 2, 'batch').fracRewardZeroStd).toBe(0);
});

test('a function that says null is left out of the sum; weights count', () => {
  expect(weightedReward([1, null, 0.5], [1, 10, 2])).toBe(2);
  expect(weightedReward([null, null], [1, 1])).toBeNull();
});

test('a completion nobody could score has advantage 0 and does not shift its group', () => {
  const { advantages, rewards } = computeAdvantages(
    [
      [1, null],
      [null, null],
      [0, null],
    ],
    [1, 1],
    3,
    'group',
  );
  const scale = Math.SQRT1_2 + 1e-4; // std of [1, 0]
  expect(rewards).toEqual([1, null, 0]);
  expect(advantages[0]).toBeCloseTo(0.5 / scale, 12);
  expect(advantages[1]).toBe(0);
  expect(advantages[2]).toBeCloseTo(-0.5 / scale, 12);
});

test('groups with fewer than two scored completions have no signal, and no NaN', () => {
  expect(computeAdvantages(column([1, null, null, null]), [1], 2, 'group').advantages).toEqual([0, 0, 0, 0]);
  expect(computeAdvantages(column([1]), [1], 1, 'group')).toMatchObject({ advantages: [0], fracRewardZeroStd: 1 });
});

test('completions must be whole groups', () => {
  expect(() => computeAdvantages(column([1, 2, 3]), [1], 2, 'group')).toThrow(
    expect.objectContaining({ code: 'internal' }),
  );
});

test('advantages of a group sum to 0 and do not change when every reward is shifted', () => {
  const group = fc.array(
    fc.integer({ min: 0, max: 100 }).map((v) => v / 100),
    { minLength: 2, maxLength: 16 },
  );
  fc.assert(
    fc.property(group, fc.integer({ min: -8, max: 8 }), (rewards, shift) => {
      const a = computeAdvantages(column(rewards), [1], rewards.length, 'group').advantages;
      const b = computeAdvantages(column(rewards.map((r) => r + shift)), [1], rewards.length, 'group').advantages;
      expect(a.reduce((x, y) => x + y, 0)).toBeCloseTo(0, 8);
      a.forEach((v, i) => expect(b[i]).toBeCloseTo(v, 8));
    }),
  );
});

test('mean and deviation of too few numbers are NaN', () => {
  expect(meanOf([null])).toBeNaN();
  expect(stdOf([1, null])).toBeNaN();
  expect(stdOf([1, null, 3])).toBeCloseTo(Math.SQRT2, 12);
});
