import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { computeAdvantages } from '../../src/train/advantage.ts';
import { type Metrics, policyMetrics, type PolicySums, rolloutMetrics } from '../../src/train/grpo-metrics.ts';

interface AdvantageCase {
  readonly name: string;
  readonly group: number;
  readonly scale_rewards: 'group' | 'batch' | 'none';
  readonly aggregation: string;
  readonly weights: readonly number[];
  readonly rewards: readonly (readonly (number | null)[])[];
  readonly lengths: readonly number[];
  readonly ended: readonly boolean[];
  readonly advantages: readonly number[];
  readonly metrics: Readonly<Record<string, number | null>>;
}
interface LossCase {
  readonly name: string;
  readonly settings: Readonly<Record<string, number | string | boolean>>;
  readonly mask: readonly (readonly number[])[];
  readonly advantages: readonly number[];
  readonly logps: readonly (readonly number[])[];
  readonly old_logps?: readonly (readonly number[])[] | null;
  readonly ref_logps?: readonly (readonly number[])[] | null;
  readonly entropies: readonly (readonly number[])[];
  readonly metrics: Readonly<Record<string, number | null>>;
}
const fixture = JSON.parse(readFileSync(new URL('../golden/grpo-arithmetic.json', import.meta.url), 'utf8')) as {
  readonly advantages: readonly AdvantageCase[];
  readonly losses: readonly LossCase[];
};

/** Same names, same values to f32; null there is a gap here. */
function expectMetrics(got: Metrics, wanted: Readonly<Record<string, number | null>>): void {
  const present = Object.entries(wanted).filter(([, v]) => v !== null);
  expect(Object.keys(got).sort()).toEqual(present.map(([name]) => name).sort());
  for (const [name, value] of present) expect([name, got[name]]).toEqual([name, expect.closeTo(value!, 5)]);
}

// normalize_then_sum (GDPO) is not offered.
const summed = fixture.advantages.filter((c) => c.aggregation === 'sum_then_normalize');

test.each(summed)('advantages and metrics are TRL’s: $name', (c) => {
  const result = computeAdvantages(c.rewards, c.weights, c.group, c.scale_rewards);
  // TRL computes in f32: a deviation of 1e-4's size amplifies its rounding.
  result.advantages.forEach((a, i) => expect(a).toBeCloseTo(c.advantages[i]!, 4));
  const completions = c.rewards.map((rewards, i) => ({
    tokens: c.lengths[i]!,
    truncated: !c.ended[i]!,
    rewards: Object.fromEntries(rewards.map((r, k) => [`reward_${k}`, r])),
  }));
  expectMetrics(rolloutMetrics(completions, result), c.metrics);
});

// Sequence-level ratios and the losses that do not clip at both sides are not offered.
const clipped = fixture.losses.filter(
  (c) => 'clip_ratio/low_mean' in c.metrics && !('importance_sampling_level' in c.settings),
);

test.each(clipped)('entropy, KL and clip ratios are TRL’s: $name', (c) => {
  const low = 1 - Number(c.settings.epsilon);
  const high = 1 + Number(c.settings.epsilon_high ?? c.settings.epsilon);
  const sums = c.logps.map((logps, i): PolicySums => {
    const at = logps.map((_, t) => t).filter((t) => c.mask[i]![t] === 1);
    const ratio = (t: number) => (c.old_logps ? Math.exp(logps[t]! - c.old_logps[i]![t]!) : 1);
    const sum = (of: (t: number) => number) => at.reduce((total, t) => total + of(t), 0);
    // TRL 1.13 logs what it optimises: by default (use_bias_correction_kl) the KL term times the ratio.
    const k3 = (t: number) => {
      const d = c.ref_logps![i]![t]! - logps[t]!;
      return Math.exp(d) - d - 1;
    };
    return {
      tokens: at.length,
      entropy: sum((t) => c.entropies[i]![t]!),
      kl:
        c.settings.beta === 0 ? null : sum((t) => k3(t) * (c.settings.use_bias_correction_kl === false ? 1 : ratio(t))),
      clippedLow: sum((t) => Number(ratio(t) < low && c.advantages[i]! < 0)),
      clippedHigh: sum((t) => Number(ratio(t) > high && c.advantages[i]! > 0)),
    };
  });
  expectMetrics(policyMetrics(sums), c.metrics);
});

test('the fixture has cases for both', () => {
  expect(summed.length).toBeGreaterThan(8);
  expect(clipped.length).toBeGreaterThan(8);
});
