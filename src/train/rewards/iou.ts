/** VLM-R1's reward, with Visual-RFT's denominator for several boxes: matched IoU / max(solutions, predictions). */
import { meanMatched } from './matching.ts';
import { defineReward } from './reward.ts';

export const iou = defineReward({
  name: 'iou',
  label: 'Box overlap',
  summary:
    'Intersection over union with the solution. 0 in the wrong picture. Several boxes: matched IoU / max(wanted, given).',
  subject: 'boxes',
  range: [0, 1],
  weight: 1,
  always: true,
  score: ({ answer }, { solution }) => (solution.length === 0 ? null : meanMatched(answer.boxes, solution)),
});
