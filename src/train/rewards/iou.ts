/** Rewards for where the boxes are, 0 on the wrong picture. null for rows without a solution. */
import type { Row } from '../../data/row.ts';
import { centreInside, giou as generalIou, groundedIou } from '../../grounding/matching.ts';
import { matchBoxes, meanMatched, type PairScore } from './matching.ts';
import type { Completion, Reward } from './reward.ts';

const reward = (name: string, summary: string, score: PairScore): Reward => ({
  name,
  summary,
  range: [0, 1],
  score: ({ answer }, { solution }) => (solution.length === 0 ? null : meanMatched(answer.boxes, solution, score)),
});

/** `score` where the pictures agree, else 0. */
const inRightImage =
  (score: PairScore): PairScore =>
  (p, s) =>
    p.image === s.image || s.imageGuessed ? score(p, s) : 0;

/** VLM-R1's reward, with Visual-RFT's denominator for several boxes: matched IoU / max(solutions, predictions). */
export const iou = reward(
  'iou',
  'Intersection over union with the solution, 0 in the wrong image; several boxes: matched IoU / max(wanted, given).',
  groundedIou,
);

/**
 * Generalised IoU (Rezatofighi et al., CVPR 2019) mapped to 0–1 by (1 + GIoU)/2, so that boxes apart are still told
 * near from far. An empty or inverted box gets 0.
 */
export const giou = reward(
  'giou',
  '(1 + generalised IoU)/2: still tells near from far when the boxes do not touch; 0 in the wrong image.',
  inRightImage(({ box }, truth) => (box[2] > box[0] && box[3] > box[1] ? (1 + generalIou(box, truth.box)) / 2 : 0)),
);

/** 1 where the predicted box's centre lies in the box it answers (edges included), as a share of max(wanted, given). */
export const centre = reward(
  'centre',
  '1 when the centre of the box lies inside the solution, in the right image.',
  inRightImage(({ box }, truth) => Number(centreInside(box, truth.box))),
);

/**
 * A sample succeeds when it gives exactly the wanted boxes, each with IoU ≥ `threshold` in the right picture. The
 * predicate of rejection sampling; false for rows without a solution.
 */
export function succeeds(
  { boxes }: Pick<Completion['answer'], 'boxes'>,
  { solution }: Pick<Row, 'solution'>,
  threshold: number,
): boolean {
  if (solution.length === 0 || boxes.length !== solution.length) return false;
  // Below the threshold a pair is worth nothing: matching must not trade a success for a larger sum.
  const hit = inRightImage((p, s) => Number(groundedIou(p, s) >= threshold));
  return matchBoxes(boxes, solution, hit).length === solution.length;
}
