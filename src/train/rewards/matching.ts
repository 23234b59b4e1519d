/**
 * What a set of boxes is worth against a solution: the one definition of "IoU in the right image" that rewards,
 * rejection sampling and evaluation share. Pairs and IoU themselves are grounding/matching's.
 */
import type { GroundedBox } from '../../grounding/box.ts';
import { groundedIou, matchHungarian, type Pairing } from '../../grounding/matching.ts';
import type { ParsedBox } from '../../grounding/parse.ts';

/** A box as read from a completion; `image` null: the text does not say which, and the box answers none. */
export type PredictedBox = Pick<ParsedBox, 'image' | 'box'>;

/** 0 or more, larger is better; what is not finite counts as 0. */
export type PairScore = (predicted: PredictedBox, truth: GroundedBox) => number;

/** `score` where the pictures agree, or the dataset does not say which; else 0. */
export const inRightImage =
  (score: PairScore): PairScore =>
  (p, s) =>
    p.image === s.image || s.imageGuessed ? score(p, s) : 0;

/** One-to-one pairs of the largest total score; pairs worth 0 are left out. Rows: predictions, columns: solution. */
export function matchBoxes(
  predicted: readonly PredictedBox[],
  solution: readonly GroundedBox[],
  score: PairScore = groundedIou,
): Pairing[] {
  // NaN would keep the search for a pairing going for ever.
  const finite = (value: number) => (Number.isFinite(value) ? value : 0);
  return matchHungarian(predicted.map((p) => solution.map((s) => finite(score(p, s))))).filter(
    (pair) => pair.score > 0,
  );
}

/** Sum of the best pairing's scores over max(solutions, predictions): missing and surplus boxes cost alike. 0 without boxes. */
export function meanMatched(
  predicted: readonly PredictedBox[],
  solution: readonly GroundedBox[],
  score: PairScore = groundedIou,
): number {
  if (predicted.length === 0 || solution.length === 0) return 0;
  const total = matchBoxes(predicted, solution, score).reduce((sum, pair) => sum + pair.score, 0);
  return total / Math.max(predicted.length, solution.length);
}
