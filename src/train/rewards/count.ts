/** How many boxes, whatever they hold: the share that the numbers wanted and given have in common. null for other rows. */
import { defineReward } from './reward.ts';
import { saysNothing } from './right.ts';

export const count = defineReward({
  name: 'count',
  label: 'Number of boxes',
  summary: '1 when the answer has as many boxes as the solution, less the further it is off: fewer / more of the two.',
  subject: 'boxes',
  range: [0, 1],
  weight: 0,
  score: ({ answer }, { solution, wanted }) => {
    if (wanted?.kind === 'nothing') return Number(saysNothing(answer));
    const [given, right] = [answer.boxes.length, solution.length];
    return right === 0 ? null : Math.min(given, right) / Math.max(given, right);
  },
});
