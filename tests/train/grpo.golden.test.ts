import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { policyTerms } from '../../src/ops/policy-reference.ts';
import { AGGREGATIONS, computeAdvantages } from '../../src/train/advantage.ts';
import { type Metrics, policyMetrics, type PolicySums, rolloutMetrics } from '../../src/train/grpo-metrics.ts';
import { GOLDEN_LOSSES, policyCase } from '../ops/policy-cases.ts';

interface AdvantageCase {
  readonly name: string;
  readonly group: number;
  readonly scale_rewards: 'group' | 'batch' | 'none';
  readonly aggregation: (typeof AGGREGATIONS)[number];
  readonly weights: readonly number[];
  readonly rewards: readonly (readonly (number | null)[])[];
  readonly lengths: readonly number[];
  readonly ended: readonly boolean[];
  readonly advantages: readonly number[];
  readonly metrics: Readonly<Record<string, number | null>>;
}
const fixture = JSON.parse(readFileSync(new URL('../golden/grpo-arithmetic.json', import.meta.url), 'utf8')) as {
  readonly advantages: readonly AdvantageCase[];
};

/** Same names, same values to f32; null there is a gap here. */
function expectMetrics(got: Metrics, wanted: Readonly<Record<string, number | null>>): void {
  const present = Object.entries(wanted).filter(([, v]) => v !== null);
  expect(Object.keys(got).sort()).toEqual(present.map(([name]) => name).sort());
  for (const [name, value] of present) expect([name, got[name]]).toEqual([name, expect.closeTo(value!, 5)]);
}

test.each(fixture.advantages)('advantages and metrics are TRL’s: $name', (c) => {
  const result = computeAdvantages(c.rewards, c.weights, c.group, {
    scaleRewards: c.scale_rewards,
    multiObjectiveAggregation: c.aggregation,
  });
  // TRL computes in f32: a deviation of 1e-4's size amplifies its rounding.
  result.advantages.forEach((a, i) => expect(a).toBeCloseTo(c.advantages[i]!, 4));
  const completions = c.rewards.map((rewards, i) => ({
    tokens: c.lengths[i]!,
    truncated: !c.ended[i]!,
    rewards: Object.fromEntries(rewards.map((r, k) => [`reward_${k}`, r])),
  }));
  expectMetrics(rolloutMetrics(completions, result), c.metrics);
});

test.each(GOLDEN_LOSSES)('entropy, KL and what was clipped are TRL’s: $name', (golden) => {
  const c = policyCase(golden);
  const terms = policyTerms(c.logps, c.logps, c, c.settings);
  const sums = golden.mask.map((_, completion): PolicySums => {
    const at = c.entries.flatMap((e, t) => (e.completion === completion && c.weight[t] !== 0 ? [t] : []));
    const sum = (of: (t: number) => number) => at.reduce((total, t) => total + of(t), 0);
    return {
      tokens: at.length,
      entropy: sum((t) => c.entropy[t]!),
      kl: c.reference ? sum((t) => terms[t]!.kl) : null,
      clippedLow: sum((t) => Number(terms[t]!.clipped < 0)),
      clippedHigh: sum((t) => Number(terms[t]!.clipped > 0)),
      coefficient: at.length ? terms[at[0]!]!.coefficient : 1,
    };
  });
  // These are of the step as a whole.
  const { policy_loss: _, entropy_coef: __, ...wanted } = golden.metrics;
  expectMetrics(policyMetrics(sums, c.settings), wanted);
});

test('the fixture has cases for both', () => {
  expect(new Set(fixture.advantages.map(({ aggregation }) => aggregation))).toEqual(new Set(AGGREGATIONS));
  expect(fixture.advantages.length).toBeGreaterThan(12);
  expect(GOLDEN_LOSSES.length).toBeGreaterThan(40);
});
