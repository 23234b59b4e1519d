import type { Row } from '../../data/row.ts';
import type { ParsedAnswer } from '../../grounding/parse.ts';

/** One sampled answer. */
export interface Completion {
  /** What grounding/parse read in it, with the model's convention and whether thinking was asked for. */
  readonly answer: Pick<ParsedAnswer, 'boxes' | 'tagsOk' | 'formatOk'>;
  /** Tokens generated, the end-of-turn token included. */
  readonly tokens: number;
}

/**
 * A rule that scores an answer against its row. null: the rule does not apply to this row (it is then left out of the
 * sum, TRL's semantics of None). Rules are pure.
 */
export interface Reward {
  /** Metric name: `rewards/{name}/mean`. */
  readonly name: string;
  /** One line for the user. */
  readonly summary: string;
  /** Smallest and largest value. */
  readonly range: readonly [number, number];
  readonly score: (completion: Completion, row: Pick<Row, 'solution' | 'images'>) => number | null;
}
