/**
 * Generalised IoU (Rezatofighi et al., CVPR 2019) mapped to 0–1 by (1 + GIoU)/2, so that boxes apart are still told
 * near from far. An empty or inverted box gets 0.
 */
import { giou as generalIou } from '../../grounding/matching.ts';
import { inRightImage } from './matching.ts';
import { defineReward } from './reward.ts';
import { setScore } from './right.ts';

const score = inRightImage(({ box }, truth) =>
  box[2] > box[0] && box[3] > box[1] ? (1 + generalIou(box, truth.box)) / 2 : 0,
);

export const giou = defineReward({
  name: 'giou',
  label: 'Generalised overlap',
  summary: '(1 + generalised IoU)/2. It still tells near from far when the boxes do not touch. 0 in the wrong picture.',
  subject: 'boxes',
  range: [0, 1],
  weight: 0,
  score: ({ answer }, row) => setScore(answer, row, score),
});
