/**
 * DAPO's soft punishment of length (arXiv 2503.14476, eq. 13; TRL `get_soft_overlong_punishment`): 0 up to
 * max − cache tokens, falling linearly to −1 at max tokens.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Reward } from './reward.ts';

/** `maxTokens`: the length limit; `cacheTokens`: how long before it the punishment sets in, 1 … maxTokens. */
export function softOverlong(maxTokens: number, cacheTokens: number): Reward {
  if (!(cacheTokens > 0 && cacheTokens <= maxTokens))
    throw new GroundworkError(
      'reward-settings',
      `Soft-overlong cache of ${cacheTokens} tokens does not fit a limit of ${maxTokens}.`,
      'Choose a cache between 1 and the maximal completion length.',
    );
  const free = maxTokens - cacheTokens;
  return {
    name: 'softOverlong',
    summary: `0 up to ${free} tokens, then falling to −1 at ${maxTokens}.`,
    range: [-1, 0],
    score: ({ tokens }) => (tokens <= free ? 0 : tokens > maxTokens ? -1 : (free - tokens) / cacheTokens),
  };
}
