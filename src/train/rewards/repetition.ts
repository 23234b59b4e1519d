/**
 * Repeated stretches of tokens: the share of n-grams that are repeats, times the largest penalty (arXiv 2502.03373,
 * appendix C.2; TRL `get_repetition_penalty_reward`).
 */
import { defineReward } from './reward.ts';

export const repetition = defineReward({
  name: 'repetition',
  label: 'Repetition',
  summary: '0 without repeated stretches of tokens, down to −1 for nothing but repeats.',
  subject: 'length',
  range: [-10, 0],
  weight: 0,
  settings: {
    ngramSize: {
      label: 'Repetition: stretch',
      help: 'Tokens of a stretch that counts as repeated. Shorter ones punish common turns of phrase.',
      integer: true,
      min: 1,
      max: 64,
      default: 3,
      unit: 'tokens',
    },
    maxPenalty: {
      label: 'Repetition: largest penalty',
      help: 'Value of a completion of nothing but repeats.',
      integer: false,
      min: -10,
      max: 0,
      default: -1,
    },
  },
  score: ({ tokenIds }, _row, { ngramSize, maxPenalty }) => {
    const total = tokenIds.length - ngramSize + 1;
    if (total < 1) return 0;
    const seen = new Set<string>();
    for (let i = 0; i < total; i++) seen.add(tokenIds.subarray(i, i + ngramSize).join(' '));
    return (1 - seen.size / total) * maxPenalty || 0;
  },
});
