import fc from 'fast-check';
import { expect, test } from 'vitest';
import { computeAdvantages, DIFFICULTY_WEIGHTS, meanOf, stdOf, weightedReward } from '../../src/train/advantage.ts';

const column = (rewards: (number | null)[]) => rewards.map((r) => [r]);

test('a group’s advantages are centred and divided by its unbiased deviation + 1e-4', () => {
  const { advantages, fracRewardZeroStd } = computeAdvantages(column([1, 0, 0, 1]), [1], 4, { scaleRewards: 'group' });
  const std = Math.sqrt((4 * 0.25) / 3);
  advantages.forEach((a, i) => expect(a).toBeCloseTo(([0.5, -0.5, -0.5, 0.5][i] as number) / (std + 1e-4), 12));
  expect(fracRewardZeroStd).toBe(0);
});

test('batch scaling keeps the group’s mean but takes everyone’s deviation; none takes no deviation', () => {
  const rewards = column([1, 0, 4, 4]);
  const std = stdOf([1, 0, 4, 4]);
  expect(computeAdvantages(rewards, [1], 2, { scaleRewards: 'batch' }).advantages).toEqual([
    0.5 / (std + 1e-4),
    -0.5 / (std + 1e-4),
    0,
    0,
  ]);
  expect(computeAdvantages(rewards, [1], 2, { scaleRewards: 'none' }).advantages).toEqual([0.5, -0.5, 0, 0]);
});

test('groups whose rewards are all equal are counted: they teach nothing', () => {
  expect(computeAdvantages(column([1, 0, 0.7, 0.7]), [1], 2, { scaleRewards: 'group' }).fracRewardZeroStd).toBe(0.5);
  expect(computeAdvantages(column([1, 0, 0.7, 0.7]), [1], 2, { scaleRewards: 'none' }).fracRewardZeroStd).toBe(0.5);
  expect(computeAdvantages(column([1, 0, 0.7, 0.7]), [1], 2, { scaleRewards: 'batch' }).fracRewardZeroStd).toBe(0);
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
    { scaleRewards: 'group' },
  );
  const scale = Math.SQRT1_2 + 1e-4; // std of [1, 0]
  expect(rewards).toEqual([1, null, 0]);
  expect(advantages[0]).toBeCloseTo(0.5 / scale, 12);
  expect(advantages[1]).toBe(0);
  expect(advantages[2]).toBeCloseTo(-0.5 / scale, 12);
});

test('groups with fewer than two scored completions have no signal, and no NaN', () => {
  expect(computeAdvantages(column([1, null, null, null]), [1], 2, { scaleRewards: 'group' }).advantages).toEqual([
    0, 0, 0, 0,
  ]);
  expect(computeAdvantages(column([1]), [1], 1, { scaleRewards: 'group' })).toMatchObject({
    advantages: [0],
    fracRewardZeroStd: 1,
  });
});

test('completions must be whole groups', () => {
  expect(() => computeAdvantages(column([1, 2, 3]), [1], 2, { scaleRewards: 'group' })).toThrow(
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
      const a = computeAdvantages(column(rewards), [1], rewards.length, { scaleRewards: 'group' }).advantages;
      const b = computeAdvantages(column(rewards.map((r) => r + shift)), [1], rewards.length, {
        scaleRewards: 'group',
      }).advantages;
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

test('leave-one-out: less the mean of the others, unscaled', () => {
  const rloo = { scaleRewards: 'none', advantageEstimator: 'rloo' } as const;
  const { advantages } = computeAdvantages(column([1, 0, 0.5, null]), [1], 4, rloo);
  // Of the one that nobody could score nothing is known, and it is in no mean.
  [0.75, -0.75, 0, 0].forEach((wanted, i) => expect(advantages[i]).toBeCloseTo(wanted, 12));
  // One that was scored alone has nobody to be compared with.
  expect(computeAdvantages(column([1, null, null, null]), [1], 4, rloo).advantages).toEqual([0, 0, 0, 0]);
});

test('leave-one-out over the batch: centred and divided by the deviation of all advantages', () => {
  const rewards = column([1, 0, 4, 2]);
  const plain = computeAdvantages(rewards, [1], 2, { scaleRewards: 'none', advantageEstimator: 'rloo' }).advantages;
  expect(plain).toEqual([1, -1, 2, -2]);
  const scaled = computeAdvantages(rewards, [1], 2, { scaleRewards: 'batch', advantageEstimator: 'rloo' }).advantages;
  scaled.forEach((a, i) => expect(a).toBeCloseTo(plain[i]! / (stdOf(plain) + 1e-4), 12));
});

test('a reward with a small spread counts as much as one with a large, where each is normalised first', () => {
  const rewards = [
    [1, 0.01],
    [0, 0.02],
  ];
  const first = { scaleRewards: 'batch', multiObjectiveAggregation: 'normalize_then_sum' } as const;
  const sum = computeAdvantages(rewards, [1, 1], 2, { scaleRewards: 'none' }).advantages;
  expect(sum[0]).toBeGreaterThan(0.4);
  // The two pull against each other with nearly the same weight; TRL's constant leaves the larger a little more.
  const [up, down] = [0.5 / (Math.SQRT1_2 + 1e-4), 0.005 / (Math.SQRT1_2 / 100 + 1e-4)];
  const difference = up - down;
  const std = stdOf([difference, -difference]);
  expect(computeAdvantages(rewards, [1, 1], 2, first).advantages[0]).toBeCloseTo(difference / (std + 1e-4), 9);
});

test('hard prompts weigh more, and no weight is negative', () => {
  expect(DIFFICULTY_WEIGHTS.exp(1)).toBe(1);
  expect(DIFFICULTY_WEIGHTS.exp(0)).toBeCloseTo(Math.E, 12);
  expect(DIFFICULTY_WEIGHTS.log(1)).toBe(0);
  expect(DIFFICULTY_WEIGHTS.log(0)).toBeCloseTo(-Math.log(0.02), 12);
  for (const weight of Object.values(DIFFICULTY_WEIGHTS))
    for (let iou = 0; iou < 1; iou += 0.1) expect(weight(iou)).toBeGreaterThanOrEqual(weight(iou + 0.1));
});
