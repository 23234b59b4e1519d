/**
 * From rewards to advantages, as TRL's GRPOTrainer and RLOOTrainer compute them.
 *
 * A reward of null means "this function does not apply": it is left out of sums and means, and a completion for which
 * every function said null gets advantage 0 and does not count in its group's mean and deviation.
 *
 * Source: TRL 1.13 `grpo_trainer.py` and `rloo_trainer.py` (_generate_and_score_completions), `utils.py` (nanstd).
 */
import { invariant } from '../base/error.ts';

/** TRL's constant, added to the deviation. */
export const ADVANTAGE_EPSILON = 1e-4;

export const SCALES = ['group', 'batch', 'none'] as const;
export const AGGREGATIONS = ['sum_then_normalize', 'normalize_then_sum'] as const;
export const ESTIMATORS = ['grpo', 'rloo'] as const;

export interface AdvantageSettings {
  /** By what the centred reward is divided. */
  readonly scaleRewards: (typeof SCALES)[number];
  /** `normalize_then_sum`: each reward is centred and scaled by itself first (GDPO, arXiv 2601.05242). */
  readonly multiObjectiveAggregation?: (typeof AGGREGATIONS)[number];
  /** `rloo`: less the mean of the others of the group, unscaled, or scaled over the batch (arXiv 2402.14740). */
  readonly advantageEstimator?: (typeof ESTIMATORS)[number];
}

export interface Advantages {
  /** Weighted sum of rewards per completion [N]; null where no function applied. */
  readonly rewards: readonly (number | null)[];
  /** [N] */
  readonly advantages: readonly number[];
  /** Fraction of completions whose deviation (group's or batch's, by the settings) is 0: groups that teach nothing. */
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

/** torch.isclose(std, 0): absolute tolerance 1e-8. NaN (fewer than two scored) is not close to 0. */
const isFlat = (std: number): boolean => Math.abs(std) <= 1e-8;

const numbered = (value: number): number => (Number.isNaN(value) ? 0 : value);

/**
 * Advantages of N completions in contiguous groups of `numGenerations` (N a multiple of it).
 * group: (r − group mean) / (group std + 1e-4); batch: the same over the batch's std; none: r − group mean.
 * `rewards` [N][K] by function, `weights` [K].
 */
export function computeAdvantages(
  rewards: readonly (readonly (number | null)[])[],
  weights: readonly number[],
  numGenerations: number,
  settings: AdvantageSettings,
): Advantages {
  invariant(
    rewards.length % numGenerations === 0,
    `${rewards.length} completions are not whole groups of ${numGenerations}`,
  );
  const { scaleRewards, multiObjectiveAggregation = 'sum_then_normalize', advantageEstimator = 'grpo' } = settings;
  const totals = rewards.map((r) => weightedReward(r, weights));
  const { advantages, stds } =
    multiObjectiveAggregation === 'normalize_then_sum'
      ? normalisedFirst(rewards, weights, numGenerations)
      : advantageEstimator === 'rloo'
        ? leaveOneOut(totals, numGenerations, scaleRewards === 'batch')
        : centred(totals, numGenerations, scaleRewards);
  return {
    rewards: totals,
    advantages: advantages.map(numbered),
    fracRewardZeroStd: stds.length ? stds.filter(isFlat).length / stds.length : 0,
  };
}

/** Advantages, NaN for what could not be scored, and the deviation that each is judged by. */
interface Estimate {
  readonly advantages: readonly number[];
  readonly stds: readonly number[];
}

const groupsOf = <T>(values: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: values.length / size }, (_, g) => values.slice(g * size, (g + 1) * size));

const spread = (values: readonly (number | null)[]): number => (values.length > 1 ? stdOf(values) : 0);

function centred(totals: Advantages['rewards'], size: number, scale: AdvantageSettings['scaleRewards']): Estimate {
  const batchStd = spread(totals);
  const groups = groupsOf(totals, size).map((group) => {
    const mean = meanOf(group);
    const std = scale === 'batch' ? batchStd : spread(group);
    return {
      advantages: group.map((reward) =>
        reward === null ? NaN : (reward - mean) / (scale === 'none' ? 1 : std + ADVANTAGE_EPSILON),
      ),
      stds: group.map(() => std),
    };
  });
  return { advantages: groups.flatMap((g) => g.advantages), stds: groups.flatMap((g) => g.stds) };
}

function leaveOneOut(totals: Advantages['rewards'], size: number, normalise: boolean): Estimate {
  const groups = groupsOf(totals, size);
  const all = groups.flatMap((group) => {
    const present = group.filter((r) => r !== null);
    const sum = present.reduce((a, b) => a + b, 0);
    return group.map((r) => (r === null ? NaN : r - (sum - r) / (present.length - 1)));
  });
  const stds = groups.flatMap((group) => group.map(() => spread(group)));
  if (!normalise) return { advantages: all, stds };
  const scored = all.map((a) => (Number.isNaN(a) ? null : a));
  const [mean, std] = [meanOf(scored), stdOf(scored)];
  return { advantages: all.map((a) => (a - mean) / (std + ADVANTAGE_EPSILON)), stds };
}

function normalisedFirst(
  rewards: readonly (readonly (number | null)[])[],
  weights: readonly number[],
  size: number,
): Estimate {
  const columns = weights.map((_, k) =>
    groupsOf(
      rewards.map((r) => r[k]!),
      size,
    ).flatMap((group) => {
      const [mean, std] = [meanOf(group), spread(group)];
      return group.map((r) => {
        const z = r === null ? NaN : (r - mean) / (std + ADVANTAGE_EPSILON);
        return Number.isNaN(z) ? null : z;
      });
    }),
  );
  const sums = rewards.map((own, i) =>
    own.every((r) => r === null) ? null : columns.reduce((sum, column, k) => sum + (column[i] ?? 0) * weights[k]!, 0),
  );
  const [mean, std] = [meanOf(sums), spread(sums)];
  return {
    advantages: sums.map((sum) => (sum === null ? NaN : (sum - mean) / (std + ADVANTAGE_EPSILON))),
    stds: sums.map(() => std),
  };
}

/** What a group's advantages are multiplied by, from the mean IoU of its completions (UniVG-R1, arXiv 2505.14231). */
export const DIFFICULTY_WEIGHTS = {
  none: () => 1,
  exp: (iou: number) => Math.exp(1 - iou),
  log: (iou: number) => Math.max(0, -Math.log(0.02 + iou)),
} as const;

export type DifficultyWeight = keyof typeof DIFFICULTY_WEIGHTS;
