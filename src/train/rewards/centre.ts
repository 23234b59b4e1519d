/** Where the predicted box's centre lies, edges included, as a share of max(wanted, given). */
import { centreInside } from '../../grounding/matching.ts';
import { inRightImage } from './matching.ts';
import { defineReward } from './reward.ts';
import { setScore } from './right.ts';

const score = inRightImage(({ box }, truth) => Number(centreInside(box, truth.box)));

export const centre = defineReward({
  name: 'centre',
  label: 'Centre inside',
  summary: '1 when the centre of the box is inside the solution, in the right picture.',
  subject: 'boxes',
  range: [0, 1],
  weight: 0,
  score: ({ answer }, row) => setScore(answer, row, score),
});
