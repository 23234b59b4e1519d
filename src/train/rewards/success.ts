/** The predicate of rejection sampling. */
import { wantedOf, type Wanted, type WantingRow } from '../../data/wanted.ts';
import type { GroundedBox } from '../../grounding/box.ts';
import { groundedIou } from '../../grounding/matching.ts';
import { inRightImage, matchBoxes } from './matching.ts';
import { choiceScore, saysNothing, type ReadWords } from './right.ts';

/**
 * A sample succeeds when it gives exactly the wanted boxes, each with IoU ≥ `threshold` in the right picture; says that
 * nothing is there where nothing is; or gives the right letter. False for rows whose right answer is not known.
 */
export const succeeds = (answer: ReadWords, row: WantingRow, threshold: number): boolean =>
  succeedsAt(answer, { solution: row.solution, wanted: wantedOf(row) }, threshold);

export function succeedsAt(
  answer: ReadWords,
  { solution, wanted }: { readonly solution: readonly GroundedBox[]; readonly wanted: Wanted | null },
  threshold: number,
): boolean {
  if (wanted?.kind === 'nothing') return saysNothing(answer);
  if (wanted?.kind === 'choice') return choiceScore(answer, wanted) === 1;
  if (wanted === null || answer.boxes.length !== solution.length) return false;
  // Below the threshold a pair is worth nothing: matching must not trade a success for a larger sum.
  const hit = inRightImage((p, s) => Number(groundedIou(p, s) >= threshold));
  return matchBoxes(answer.boxes, solution, hit).length === solution.length;
}
