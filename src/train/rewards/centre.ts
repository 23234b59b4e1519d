/** Where the predicted box's centre lies, edges included, as a share of max(wanted, given). */
import { centreInside } from '../../grounding/matching.ts';
import { inRightImage, meanMatched } from './matching.ts';
import { defineReward } from './reward.ts';

const score = inRightImage(({ box }, truth) => Number(centreInside(box, truth.box)));

export const centre = defineReward({
  name: 'centre',
  label: 'Centre inside',
  summary: '1 when the centre of the box is inside the solution, in the right picture.',
  subject: 'boxes',
  range: [0, 1],
  weight: 0,
  score: ({ answer }, { solution }) => (solution.length === 0 ? null : meanMatched(answer.boxes, solution, score)),
});
