/** The form of a stage's rewards, from the registry: a weight each, and what a reward can be set by. */
import { REWARD_NAMES, REWARDS } from '../../engine/presets.ts';
import { own, real, whole, type Field, type FieldGroup } from './field.ts';

const MOST = 100;

export const REWARD_FIELDS: FieldGroup = {
  title: 'Rewards',
  fields: REWARD_NAMES.flatMap((name, k): Field[] => {
    const { label, summary, always = false, settings = {} } = REWARDS[name];
    return [
      real(`rewardWeights.${name}`, label, 0, MOST, `Weight of: ${summary}`, {
        name: `reward_weights[${k}]`,
        essential: always,
      }),
      ...Object.entries(settings).map(([key, { label: setting, help, integer, min, max, unit }]) =>
        (integer ? whole : real)(`rewardSettings.${name}.${key}`, setting, min, max, help, {
          ...own,
          ...(unit !== undefined && { unit }),
        }),
      ),
    ];
  }),
};

/** TRL has a list of weights, one for each reward function; all weigh 1 where it is not given. */
export const TRL_REWARD_WEIGHTS: Readonly<Record<string, number>> = Object.fromEntries(
  REWARD_NAMES.map((name) => [`rewardWeights.${name}`, 1]),
);
