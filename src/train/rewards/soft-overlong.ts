/**
 * DAPO's soft punishment of length (arXiv 2503.14476, eq. 13; TRL `get_soft_overlong_punishment`): 0 up to
 * max − cache tokens, falling linearly to −1 at max tokens.
 */
import { defineReward } from './reward.ts';

export const softOverlong = defineReward({
  name: 'softOverlong',
  label: 'Length limit',
  summary:
    '0 for completions well below the longest, then falling to −1 at the longest. This is DAPO’s soft overlong rule.',
  subject: 'length',
  range: [-1, 0],
  weight: 0,
  settings: {
    cacheTokens: {
      label: 'Length limit begins',
      help: 'How many tokens before the longest completion the penalty begins. DAPO uses a fifth of the longest.',
      integer: true,
      min: 1,
      max: 8192,
      default: 32,
      unit: 'tokens',
    },
  },
  check: ({ cacheTokens }, { maxCompletionLength }) =>
    cacheTokens > 0 && cacheTokens <= maxCompletionLength
      ? null
      : `The length limit begins ${cacheTokens} tokens before the longest completion, but that has only ${maxCompletionLength} tokens.`,
  score: ({ tokens }, _row, { cacheTokens }, { maxCompletionLength }) => {
    const free = maxCompletionLength - cacheTokens;
    return tokens <= free ? 0 : tokens > maxCompletionLength ? -1 : (free - tokens) / cacheTokens;
  },
});
