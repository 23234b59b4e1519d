/**
 * The reward library: rules by name, what a recipe says of them, and their sum. Types, defaults, forms, curves and
 * advice derive from the registry.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Row } from '../../data/row.ts';
import { wantedOf } from '../../data/wanted.ts';
import { weightedReward } from '../advantage.ts';
import { defaultValues } from '../setting.ts';
import * as registry from './registry.ts';
import { SUBJECTS, type Completion, type Reward, type RewardLimits, type ScoredRow } from './reward.ts';

export { inRightImage, matchBoxes, meanMatched, type PredictedBox } from './matching.ts';
export type { Completion, Reward, RewardLimits, ScoredRow } from './reward.ts';
export { agreementOf } from './agreement.ts';
export { choiceScore, saysNothing, setScore } from './right.ts';
export { succeeds } from './success.ts';

export type RewardName = keyof typeof registry;

/** A line of the registry whose name is not its reward's own is an error here. */
type Registry = { readonly [N in RewardName]: Reward & { readonly name: N } };

/** By name. */
export const REWARDS: Registry = registry;

/** In the order of forms and sums: by subject, there first what is always scored, then by name. */
export const REWARD_NAMES: readonly RewardName[] = (Object.keys(registry) as RewardName[]).sort(
  (a, b) => place(REWARDS[a]) - place(REWARDS[b]) || (a < b ? -1 : 1),
);

function place({ subject, always }: Reward): number {
  return 2 * SUBJECTS.indexOf(subject) + (always ? 0 : 1);
}

/** By reward; one that is missing, as in plans older than the reward, weighs 0. */
export type RewardWeights = { readonly [N in RewardName]?: number };

type SettingsOf<N extends RewardName> = (typeof registry)[N] extends Reward<string, infer S> ? S : never;

/** Own settings of rewards, by reward; one that is missing has its default. */
export type RewardSettings = {
  readonly [N in RewardName as keyof SettingsOf<N> extends never ? never : N]?: {
    readonly [K in keyof SettingsOf<N>]?: number;
  };
};

/** What a recipe says of its rewards. */
export interface RewardChoice {
  readonly rewardWeights: RewardWeights;
  readonly rewardSettings?: RewardSettings;
  /** JavaScript of the reward `own` (own-code.ts). */
  readonly rewardCode?: string;
}

/** Weights and settings of a new stage, all of them written out. */
export function defaultRewards(): Required<RewardChoice> {
  const named = REWARD_NAMES.map((name) => [name, REWARDS[name]] as const);
  return {
    rewardCode: '',
    rewardWeights: Object.fromEntries(named.map(([name, { weight }]) => [name, weight])),
    rewardSettings: Object.fromEntries(
      named.flatMap(([name, { settings }]) => (settings ? [[name, defaultValues(settings)] as const] : [])),
    ),
  };
}

/** A reward's settings: its defaults, and what the recipe says otherwise. */
export function rewardValues(
  name: RewardName,
  { rewardSettings = {} }: RewardChoice,
): Readonly<Record<string, number>> {
  const { settings } = REWARDS[name];
  const given = (rewardSettings as Readonly<Partial<Record<RewardName, object>>>)[name];
  return settings ? { ...defaultValues(settings), ...given } : {};
}

/** Whether a recipe's rewards can teach anything, and if not or only in part, why. */
export function rewardFaults(choice: RewardChoice, limits: RewardLimits): string[] {
  const used = REWARD_NAMES.filter((name) => weightOf(choice.rewardWeights, name) !== 0);
  if (used.length === 0) return ['All reward weights are 0, so nothing can be learned.'];
  if (used.includes('own') && !usesCode(choice)) return ['Your own reward has a weight, but no code.'];
  return used.flatMap((name) => REWARDS[name].check?.(rewardValues(name, choice), limits) ?? []);
}

/** Whether code of the recipe itself is run. */
export const usesCode = ({ rewardWeights, rewardCode = '' }: RewardChoice): boolean =>
  weightOf(rewardWeights, 'own') !== 0 && rewardCode.trim() !== '';

/** Weight of a reward by its name; 0 for one that the recipe does not mention. */
export const weightOf = (weights: RewardWeights, name: string): number => weights[name as RewardName] ?? 0;

/** A rule with its settings, ready to score. */
export interface WeightedReward {
  readonly name: RewardName;
  readonly weight: number;
  readonly score: (completion: Completion, row: ScoredRow) => number | null;
}

/**
 * A recipe's rules in a fixed order: those that weigh something, and those that are always logged.
 * @param own the rule of the recipe's own code, where it has any
 * @throws GroundworkError `reward-settings` for settings that cannot be used
 */
export function weightedRewards(
  choice: RewardChoice,
  limits: RewardLimits,
  own?: WeightedReward['score'],
): readonly WeightedReward[] {
  return REWARD_NAMES.flatMap((name) => {
    const weight = weightOf(choice.rewardWeights, name);
    const reward = REWARDS[name];
    if (weight === 0 && !reward.always) return [];
    const values = rewardValues(name, choice);
    const fault = reward.check?.(values, limits);
    if (fault) throw new GroundworkError('reward-settings', fault, 'Change the setting of this reward in the recipe.');
    if (name === 'own' && own) return [{ name, weight, score: own }];
    return [{ name, weight, score: (completion, row) => reward.score(completion, row, values, limits) }];
  });
}

/** What a completion earned: by rule, and their weighted sum (null: no rule applied). */
export interface Score {
  readonly rewards: Readonly<Record<string, number | null>>;
  readonly reward: number | null;
}

/** Scores one completion by every rule. */
export function scoreCompletion(
  completion: Completion,
  row: Pick<Row, 'prompt' | 'answer' | 'solution' | 'images' | 'nothing'>,
  rewards: readonly WeightedReward[],
): Score {
  const scored: ScoredRow = { ...row, wanted: wantedOf(row) };
  const values = rewards.map((r) => r.score(completion, scored));
  return {
    rewards: Object.fromEntries(rewards.map((r, k) => [r.name, values[k]!])),
    reward: weightedReward(
      values,
      rewards.map(({ weight }) => weight),
    ),
  };
}
