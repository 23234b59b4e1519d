/**
 * How right an answer is, whatever its row asks for: the one rule that rewards, rejection sampling and evaluation share.
 * Several boxes over several pictures are matched as one set. No box is the right set where nothing is there, but only
 * said, not by an answer in which no box can be read.
 */
import type { Wanted } from '../../data/wanted.ts';
import { refuses } from '../../grounding/absence.ts';
import type { GroundedBox } from '../../grounding/box.ts';
import { readChoice } from '../../grounding/choice.ts';
import { groundedIou } from '../../grounding/matching.ts';
import { meanMatched, type PairScore, type PredictedBox } from './matching.ts';

/** What of an answer it is read from: its boxes, and the words of the part that answers. */
export interface ReadWords {
  readonly boxes: readonly PredictedBox[];
  readonly answer: string;
}

/** An answer that says that nothing is there. One with a box does not, whatever its words. */
export const saysNothing = ({ boxes, answer }: ReadWords): boolean => boxes.length === 0 && refuses(answer);

/** 0–1: a set of boxes matched by `score`, or “nothing” said and meant. null for rows of other kinds. */
export function setScore(
  answer: ReadWords,
  { solution, wanted }: { readonly solution: readonly GroundedBox[]; readonly wanted: Wanted | null },
  score: PairScore = groundedIou,
): number | null {
  if (wanted?.kind === 'boxes') return meanMatched(answer.boxes, solution, score);
  return wanted?.kind === 'nothing' ? Number(saysNothing(answer)) : null;
}

/** 1 for the right letter, else 0; null for rows that offer none. */
export const choiceScore = ({ answer }: Pick<ReadWords, 'answer'>, wanted: Wanted | null): number | null =>
  wanted?.kind === 'choice' ? Number(readChoice(answer, wanted.choices) === wanted.letter) : null;
