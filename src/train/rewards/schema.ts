/** What a recipe may say of its rewards: a weight each, and their own settings. */
import { own, real, whole, type Schema, type Spec } from '../stages/schema.ts';
import { REWARD_NAMES, REWARDS, type RewardChoice, type RewardSetting } from './index.ts';

const MOST = 100;

/** TRL has a list of weights, one for each reward function; all weigh 1 where it is not given. */
const weight = (place: number) => real(0, MOST, { name: `reward_weights[${place}]`, theirs: 1, optional: true });

const setting = ({ integer, min, max }: RewardSetting) =>
  (integer ? whole : real)(min, max, { ...own, optional: true });

export const REWARDS_SCHEMA = Object.fromEntries(
  REWARD_NAMES.flatMap((name, k): [string, Spec][] => [
    [`rewardWeights.${name}`, weight(k)],
    ...Object.entries<RewardSetting>(REWARDS[name].settings ?? {}).map(([key, of]): [string, Spec] => [
      `rewardSettings.${name}.${key}`,
      setting(of),
    ]),
  ]),
) as Schema<RewardChoice>;
