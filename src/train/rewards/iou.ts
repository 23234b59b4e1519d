/**
 * VLM-R1's reward, with Visual-RFT's denominator for several boxes: matched IoU / max(solutions, predictions). Where
 * nothing is there, “nothing” is the whole set.
 */
import { defineReward } from './reward.ts';
import { setScore } from './right.ts';

export const iou = defineReward({
  name: 'iou',
  label: 'Box overlap',
  summary:
    'Intersection over union with the solution. 0 in the wrong picture. Several boxes: matched IoU / max(wanted, given). Where nothing is there: 1 for saying so.',
  subject: 'boxes',
  range: [0, 1],
  weight: 1,
  always: true,
  score: ({ answer }, row) => setScore(answer, row),
});
