/**
 * The reward library: rules by name, their weights, and their sum. A run may carry any of them; those of a recipe's
 * RewardWeights are always scored and logged, also at weight 0, so that their curves can be watched.
 */
import type { Row } from '../../data/row.ts';
import { weightedReward } from '../advantage.ts';
import type { RewardWeights } from '../recipe.ts';
import { format, strictFormat } from './format.ts';
import { imageIndex } from './image-index.ts';
import { centre, giou, iou } from './iou.ts';
import type { Completion, Reward } from './reward.ts';

export { succeeds } from './iou.ts';
export { matchBoxes, meanMatched, type PredictedBox } from './matching.ts';
export type { Completion, Reward } from './reward.ts';
export { softOverlong } from './soft-overlong.ts';

/** Rules without settings of their own, by name. */
export const REWARDS = { format, iou, imageIndex, strictFormat, giou, centre } as const satisfies Record<
  string,
  Reward
>;

/** What a completion earned: by rule, and their weighted sum (null: no rule applied). */
export interface Score {
  readonly rewards: Readonly<Record<string, number | null>>;
  readonly reward: number | null;
}

/** A recipe's rules with their weights, in a fixed order. */
export function weightedRewards(weights: RewardWeights): {
  readonly rewards: readonly Reward[];
  readonly weights: readonly number[];
} {
  const names = ['format', 'iou', 'imageIndex'] as const;
  return { rewards: names.map((n) => REWARDS[n]), weights: names.map((n) => weights[n]) };
}

/** Scores one completion by every rule; `weights` [rewards.length]. */
export function scoreCompletion(
  completion: Completion,
  row: Pick<Row, 'solution' | 'images'>,
  rewards: readonly Reward[],
  weights: readonly number[],
): Score {
  const values = rewards.map((r) => r.score(completion, row));
  return {
    rewards: Object.fromEntries(rewards.map((r, k) => [r.name, values[k]!])),
    reward: weightedReward(values, weights),
  };
}
