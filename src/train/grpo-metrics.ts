/**
 * TRL's metrics by TRL's names, from what one step of GRPO knows. Values that TRL would log as NaN (no completion
 * scored, fewer than two for a deviation) are left out: a curve has a gap there, not a zero.
 *
 * Source: TRL 1.13 `grpo_trainer.py`.
 */
import type { ObjectiveName } from '../ops/objectives.ts';
import type { PolicySettings } from '../ops/policy-loss.ts';
import { meanOf, stdOf, type Advantages } from './advantage.ts';

export type Metrics = Record<string, number>;

/** What is known of one completion when it has been sampled and scored. */
export interface ScoredCompletion {
  /** Tokens generated, the end-of-turn token included. */
  readonly tokens: number;
  /** Stopped by the length limit, not by an end-of-turn token. */
  readonly truncated: boolean;
  /** By reward function; null: did not apply. */
  readonly rewards: Readonly<Record<string, number | null>>;
}

/** completions/*, rewards/*, reward, reward_std and frac_reward_zero_std of one step's completions. */
export function rolloutMetrics(completions: readonly ScoredCompletion[], advantages: Advantages): Metrics {
  const metrics: Metrics = {};
  const lengths = completions.map((c) => c.tokens);
  const terminated = completions.filter((c) => !c.truncated).map((c) => c.tokens);
  if (terminated.length === 0) terminated.push(0); // TRL's value when every completion was cut
  put(metrics, 'completions/mean_length', meanOf(lengths));
  put(metrics, 'completions/min_length', least(lengths));
  put(metrics, 'completions/max_length', greatest(lengths));
  put(metrics, 'completions/clipped_ratio', meanOf(completions.map((c) => Number(c.truncated))));
  put(metrics, 'completions/mean_terminated_length', meanOf(terminated));
  put(metrics, 'completions/min_terminated_length', least(terminated));
  put(metrics, 'completions/max_terminated_length', greatest(terminated));
  for (const name of new Set(completions.flatMap((c) => Object.keys(c.rewards)))) {
    const values = completions.map((c) => c.rewards[name] ?? null);
    put(metrics, `rewards/${name}/mean`, meanOf(values));
    put(metrics, `rewards/${name}/std`, stdOf(values));
  }
  put(metrics, 'reward', meanOf(advantages.rewards));
  put(metrics, 'reward_std', stdOf(advantages.rewards));
  put(metrics, 'frac_reward_zero_std', advantages.fracRewardZeroStd);
  return metrics;
}

/** Sums over one completion's unmasked tokens, as the policy-loss kernel returns them. */
export interface PolicySums {
  /** Tokens in the loss; 0 for a completion masked out. */
  readonly tokens: number;
  readonly entropy: number;
  /**
   * Of the KL term as it stands in the loss: since TRL 1.13 that is k3 times the ratio (use_bias_correction_kl became
   * the default). null when beta is 0: no reference was computed.
   */
  readonly kl: number | null;
  /** Tokens clipped from below: a ratio < 1 − ε and a negative advantage. */
  readonly clippedLow: number;
  /** Tokens clipped from above: a ratio > 1 + ε_high and a positive advantage. */
  readonly clippedHigh: number;
  /** What the objective weighs its tokens by, at one of them. */
  readonly coefficient: number;
}

/** What TRL logs of each objective beside entropy and KL; null: nothing. */
const LOGGED: Readonly<Record<ObjectiveName, 'clip_ratio' | 'cispo_clip_ratio' | 'vespo/phi_seq_mean' | null>> = {
  clipped: 'clip_ratio',
  gmpo: 'clip_ratio',
  cispo: 'cispo_clip_ratio',
  sapo: null,
  vespo: 'vespo/phi_seq_mean',
};

/**
 * Entropy, KL and how much was clipped, over the completions of one step. Means weigh tokens, not completions; where the
 * ratio is that of whole completions, what is clipped is counted by completion.
 */
export function policyMetrics(
  completions: readonly PolicySums[],
  { objective = 'clipped', level = 'token' }: Pick<PolicySettings, 'objective' | 'level'> = {},
): Metrics {
  const metrics: Metrics = {};
  const total = (of: (c: PolicySums) => number) => completions.reduce((sum, c) => sum + of(c), 0);
  const tokens = Math.max(
    1,
    total((c) => c.tokens),
  );
  const scored = completions.filter((c) => c.tokens > 0);
  put(metrics, 'entropy', total((c) => c.entropy) / tokens);
  if (completions.some((c) => c.kl !== null)) put(metrics, 'kl', total((c) => c.kl ?? 0) / tokens);
  const whole = level === 'sequence';
  const share = (of: (c: PolicySums) => number) => (c: PolicySums) => (c.tokens > 0 ? of(c) / c.tokens : 0);
  const mean = (of: (c: PolicySums) => number) => (whole ? total(share(of)) / completions.length : total(of) / tokens);
  const counted = whole ? completions : scored;
  const low = (c: PolicySums) => c.clippedLow;
  const high = (c: PolicySums) => c.clippedHigh;
  const logged = LOGGED[objective];
  if (logged === 'clip_ratio') {
    put(metrics, 'clip_ratio/low_mean', mean(low));
    put(metrics, 'clip_ratio/low_min', least(counted.map(share(low))));
    put(metrics, 'clip_ratio/high_mean', mean(high));
    put(metrics, 'clip_ratio/high_max', greatest(counted.map(share(high))));
    put(
      metrics,
      'clip_ratio/region_mean',
      mean((c) => c.clippedLow + c.clippedHigh),
    );
  } else if (logged === 'cispo_clip_ratio') put(metrics, logged, mean(high));
  else if (logged) put(metrics, logged, total((c) => (c.tokens > 0 ? c.coefficient : 1)) / completions.length);
  return metrics;
}

function put(metrics: Metrics, name: string, value: number): void {
  if (Number.isFinite(value)) metrics[name] = value;
}
// reduce, not Math.min(...values): a batch may have more values than an argument list may hold.
const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
const greatest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
