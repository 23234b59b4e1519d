/** The kinds of what can come of an answer, with their words. */

/** In the order of the table. */
export const OUTCOMES = {
  right: 'right',
  'wrong-picture': 'wrong picture',
  'too-many': 'too many',
  loose: 'loose (0.3–0.5)',
  missed: 'missed',
  'no-box': 'no box',
  unreadable: 'unreadable',
  refused: 'refused wrongly',
  hallucinated: 'hallucinated',
  'wrong-choice': 'wrong choice',
} as const;

export type OutcomeKind = keyof typeof OUTCOMES;
