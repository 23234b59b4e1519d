/** The predicate of rejection sampling. */
import type { Row } from '../../data/row.ts';
import { groundedIou } from '../../grounding/matching.ts';
import { inRightImage, matchBoxes } from './matching.ts';
import type { Completion } from './reward.ts';

/**
 * A sample succeeds when it gives exactly the wanted boxes, each with IoU ≥ `threshold` in the right picture. False for
 * rows without a solution.
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
