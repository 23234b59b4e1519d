/** Words for a stage's rewards, from the registry: a weight each, and what a reward can be set by. */
import { REWARD_NAMES, REWARDS as REGISTRY } from '../../../engine/presets.ts';
import { ownWords } from './own-words.ts';
import { group, type Words } from './words.ts';

export const REWARDS = group(
  'Rewards',
  Object.fromEntries(
    REWARD_NAMES.flatMap((name): [string, Omit<Words, 'group'>][] => {
      const { label, summary, always = false, settings } = REGISTRY[name];
      return [
        [`rewardWeights.${name}`, { label, help: `Weight of: ${summary}`, essential: always }],
        ...ownWords(`rewardSettings.${name}`, settings),
      ];
    }),
  ),
);
