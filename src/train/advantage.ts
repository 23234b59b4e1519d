/**
 * From rewards to advantages, as TRL's GRPOTrainer computes them.
 *
 * A reward of null means "this function does not apply": it is left out of sums and means, and a completion for which
 * every function said null gets advantage 0 and does not count in its group's mean and deviation.
 *
 * Left out: multi_objective_aggregation "normalize_then_sum" (GDPO).
 * Source: TRL 1.13 `grpo_trainer.py` (_generate_and_score_completions), `utils.py` (nanstd); docs/…/trl-grpo §2.
 */
import { invariant } from '../base/error.ts';
import type { GrpoStage } from './recipe.ts';

/** TRL's constant, added to the deviation. */
export const ADVANTAGE_EPSILON = 1e-4;

export interface Advantages {
  /** Weighted sum of rewards per completion [N]; null where no function applied. */
  readonly rewards: readonly (number | null)[];
  /** [N] */
  readonly advantages: readonly number[];
  /** Fraction of completions whose deviation (group's or batch's, by `scale`) is 0: groups that teach nothing. */
  readonly fracRewardZeroStd: number;
}

/** Σ weight·reward over the functions that applied; null when none did. `rewards`, `weights` [K]. */
export function weightedReward(rewards: readonly (number | null)[], weights: readonly number[]): number | null {
  if (rewards.every((r) => r === null)) return null;
  return rewards.reduce<number>((sum, r, k) => sum + (r === null ? 0 : r * weights[k]!), 0);
}

/** Mean of the numbers present; NaN of none. */
export function meanOf(values: readonly (number | null)[]): number {
  const present = values.filter((v) => v !== null);
  return present.reduce((a, b) => a + b, 0) / present.length;
}

/** Unbiased (n − 1) standard deviation of the numbers present; NaN of fewer than two. */
export function stdOf(values: readonly (number | null)[]): number {
  const present = values.filter((v) => v !== null);
  if (present.length < 2) return NaN;
  const mean = meanOf(present);
  return Math.sqrt(present.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (present.length - 1));
}

/**
 * Advantages of N completions in contiguous groups of `numGenerations` (N a multiple of it).
 * group: (r − group mean) / (group std + 1e-4); batch: the same over the batch's std; none: r − group mean.
 * `rewards` [N][K] by function, `weights` [K].
 */
export function computeAdvantages(
  rewards: readonly (readonly (number | null)[])[],
  weights: readonly number[],
  numGenerations: number,
  scale: GrpoStage['scaleRewards'],
): Advantages {
  invariant(
    rewards.length % numGenerations === 0,
    `${rewards.length} completions are not whole groups of ${numGenerations}`,
  );
  const totals = rewards.map((r) => weightedReward(r, weights));
  const batchStd = totals.length > 1 ? stdOf(totals) : 0;
  const advantages: number[] = [];
  let flat = 0;
  for (let start = 0; start < totals.length; start += numGenerations) {
    const group = totals.slice(start, start + numGenerations);
    const mean = meanOf(group);
    const std = scale === 'batch' ? batchStd : numGenerations > 1 ? stdOf(group) : 0;
    // torch.isclose(std, 0): absolute tolerance 1e-8. NaN (fewer than two scored) is not close to 0.
    if (Math.abs(std) <= 1e-8) flat += numGenerations;
    for (const reward of group) {
      const advantage = reward === null ? NaN : (reward - mean) / (scale === 'none' ? 1 : std + ADVANTAGE_EPSILON);
      advantages.push(Number.isNaN(advantage) ? 0 : advantage);
    }
  }
  return { rewards: totals, advantages, fracRewardZeroStd: totals.length ? flat / totals.length : 0 };
}
