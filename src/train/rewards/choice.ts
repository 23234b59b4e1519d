/** Is the letter the right one? For questions that offer letters; null for other rows. */
import { defineReward } from './reward.ts';
import { choiceScore } from './right.ts';

export const choice = defineReward({
  name: 'choice',
  label: 'Right option',
  summary: '1 for the letter of the right option, else 0. Applies to questions that offer options by letters.',
  subject: 'boxes',
  range: [0, 1],
  weight: 1,
  score: ({ answer }, { wanted }) => choiceScore(answer, wanted),
});
