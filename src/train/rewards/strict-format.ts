/** Besides the tags: the model's own way to write boxes, and nothing but boxes in the answer. null for other rows. */
import { defineReward } from './reward.ts';

export const strictFormat = defineReward({
  name: 'strictFormat',
  label: 'Strict format',
  summary:
    '1 when the tags are right and the boxes are written exactly in the model’s convention, inside their pictures.',
  subject: 'form',
  asks: 'form',
  range: [0, 1],
  weight: 0,
  score: ({ answer }, { solution }) => (solution.length === 0 ? null : Number(answer.formatOk)),
});
