/** How many boxes, whatever they hold: the share that the numbers wanted and given have in common. null for other rows. */
import { defineReward } from './reward.ts';

export const count = defineReward({
  name: 'count',
  label: 'Number of boxes',
  summary: '1 when the answer has as many boxes as the solution, less the further it is off: fewer / more of the two.',
  subject: 'boxes',
  range: [0, 1],
  weight: 0,
  score: ({ answer: { boxes } }, { solution }) =>
    solution.length === 0 ? null : Math.min(boxes.length, solution.length) / Math.max(boxes.length, solution.length),
});
