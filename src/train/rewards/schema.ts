/** What a recipe may say of its rewards: a weight each, and their own settings. */
import { MOST_CODE } from './own-code.ts';
import { own, ownSettings, real, text, type Schema, type Spec } from '../stages/schema.ts';
import { REWARD_NAMES, REWARDS, type RewardChoice } from './index.ts';

const MOST = 100;

/** TRL has a list of weights, one for each reward function; all weigh 1 where it is not given. */
const weight = (place: number) =>
  real(0, MOST, { name: `reward_weights[${place}]`, theirs: 1, optional: true, absent: 0 });

export const REWARDS_SCHEMA = Object.fromEntries([
  ['rewardCode', text(MOST_CODE, { ...own, optional: true, later: true })],
  ...REWARD_NAMES.flatMap((name, k): [string, Spec][] => [
    [`rewardWeights.${name}`, weight(k)],
    ...ownSettings(`rewardSettings.${name}`, REWARDS[name].settings),
  ]),
]) as Schema<RewardChoice>;
