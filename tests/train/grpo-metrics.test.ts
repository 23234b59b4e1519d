import { expect, test } from 'vitest';
import { computeAdvantages } from '../../src/train/advantage.ts';
import { policyMetrics, rolloutMetrics, type ScoredCompletion } from '../../src/train/grpo-metrics.ts';

const completion = (tokens: number, truncated: boolean, format: number, iou: number | null): ScoredCompletion => ({
  tokens,
  truncated,
  rewards: { format, iou },
});
const metricsOf = (completions: ScoredCompletion[]) =>
  rolloutMetrics(
    completions,
    computeAdvantages(
      completions.map((c) => [c.rewards.format!, c.rewards.iou!]),
      [1, 2],
      2,
      { scaleRewards: 'group' },
    ),
  );

test('lengths, rewards and their spread carry TRL’s names', () => {
  const metrics = metricsOf([
    completion(10, false, 1, 0.5),
    completion(20, true, 0, 0),
    completion(30, false, 1, null),
    completion(20, false, 1, null),
  ]);
  expect(metrics).toMatchObject({
    'completions/mean_length': 20,
    'completions/min_length': 10,
    'completions/max_length': 30,
    'completions/clipped_ratio': 0.25,
    'completions/mean_terminated_length': 20,
    'completions/min_terminated_length': 10,
    'completions/max_terminated_length': 30,
    'rewards/format/mean': 0.75,
    'rewards/format/std': 0.5,
    'rewards/iou/mean': 0.25,
    reward: 1, // (1 + 2·0.5, 0, 1, 1) / 4 = 1
    frac_reward_zero_std: 0.5,
  });
  expect(metrics['rewards/iou/std']).toBeCloseTo(0.5 * Math.SQRT1_2, 12);
  expect(metrics.reward_std).toBeCloseTo(Math.sqrt(2 / 3), 12);
});

test('when every completion was cut, terminated lengths are 0 as in TRL', () => {
  expect(metricsOf([completion(5, true, 0, 0), completion(5, true, 0, 0)])).toMatchObject({
    'completions/clipped_ratio': 1,
    'completions/mean_terminated_length': 0,
    frac_reward_zero_std: 1,
  });
});

test('what TRL would log as NaN is a gap, not a zero', () => {
  const metrics = metricsOf([completion(5, false, 1, null), completion(5, false, 0, null)]);
  expect(Object.keys(metrics).filter((k) => k.startsWith('rewards/iou'))).toEqual([]);
  expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
});

test('entropy, KL and clipping weigh tokens; least and greatest weigh completions', () => {
  const sums = [
    { tokens: 10, entropy: 5, kl: 1, clippedLow: 2, clippedHigh: 0, coefficient: 1 },
    { tokens: 30, entropy: 3, kl: 1, clippedLow: 0, clippedHigh: 6, coefficient: 1 },
    { tokens: 0, entropy: 0, kl: 0, clippedLow: 0, clippedHigh: 0, coefficient: 1 },
  ];
  expect(policyMetrics(sums)).toEqual({
    entropy: 0.2,
    kl: 0.05,
    'clip_ratio/low_mean': 0.05,
    'clip_ratio/low_min': 0,
    'clip_ratio/high_mean': 0.15,
    'clip_ratio/high_max': 0.2,
    'clip_ratio/region_mean': 0.2,
  });
  expect(policyMetrics(sums.map((s) => ({ ...s, kl: null })))).not.toHaveProperty('kl');
  expect(policyMetrics(sums.slice(2))).not.toHaveProperty('clip_ratio/low_min');
});
