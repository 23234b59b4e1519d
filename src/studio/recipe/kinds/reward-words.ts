/** Words for a stage's rewards, from the registry: a weight each, and what a reward can be set by. */
import { REWARD_NAMES, REWARDS as REGISTRY } from '../../../engine/presets.ts';
import { ownWords } from './own-words.ts';
import { group, type Words } from './words.ts';

const CODE_HELP =
  'JavaScript: function reward(completion, row), which returns a number, or null where the rule does not apply. It has no network, storage, clock or random numbers. docs/rewards.md says what it is given. “Your own reward” above tries it on the groups of a run.';

export const REWARDS = group(
  'Rewards',
  Object.fromEntries([
    ...REWARD_NAMES.flatMap((name): [string, Omit<Words, 'group'>][] => {
      const { label, summary, always = false, settings } = REGISTRY[name];
      return [
        [`rewardWeights.${name}`, { label, help: `Weight of: ${summary}`, essential: always }],
        ...ownWords(`rewardSettings.${name}`, settings),
      ];
    }),
    ['rewardCode', { label: 'Code of your own reward', help: CODE_HELP }],
  ]),
);
