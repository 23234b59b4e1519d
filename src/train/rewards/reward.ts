/** What a reward is: a rule that scores an answer against its row, with the words and settings under which it is offered. */
import type { Row } from '../../data/row.ts';
import type { Wanted } from '../../data/wanted.ts';
import type { ParsedAnswer } from '../../grounding/parse.ts';
import type { Setting, Settings, SettingValues } from '../setting.ts';

/** One sampled answer. */
export interface Completion {
  /** What grounding/parse read in it, with the model's convention and whether thinking was asked for. */
  readonly answer: Pick<ParsedAnswer, 'answer' | 'boxes' | 'tagsOk' | 'formatOk'> & {
    /** Boxes named in the thought, in reading order. */
    readonly thoughtBoxes: ParsedAnswer['boxes'];
  };
  /** Tokens generated, the end-of-turn token included. */
  readonly tokens: number;
  readonly tokenIds: Uint32Array;
}

/** What of a row a rule may look at. */
export interface ScoredRow extends Pick<Row, 'prompt' | 'solution' | 'images'> {
  /** What a right answer is; null: it cannot be told. */
  readonly wanted: Wanted | null;
}

/** What rewards are about. Forms show them in this order, and sums of rewards run in it. */
export const SUBJECTS = ['form', 'boxes', 'pictures', 'thought', 'length'] as const;

/** Bounds of the stage that a reward may depend on. */
export interface RewardLimits {
  /** Tokens a completion may have. */
  readonly maxCompletionLength: number;
}

export interface Reward<N extends string = string, S extends Settings = Settings> {
  /** Metric name: `rewards/{name}/mean`; also the name of its weight in a recipe, and of its line in the registry. */
  readonly name: N;
  /** Two or three words for forms and tables. */
  readonly label: string;
  /** One line for the user. */
  readonly summary: string;
  readonly subject: (typeof SUBJECTS)[number];
  /** Smallest and largest value. */
  readonly range: readonly [number, number];
  /** In a new stage; 0: off. */
  readonly weight: number;
  /** Scored and logged at weight 0 too, so that its curve can be watched. */
  readonly always?: true;
  /** It asks for the form of the prompt, or for a thought: what was not taught is seldom found by chance. */
  readonly asks?: 'form' | 'thought';
  readonly settings?: S;
  /** Why the values cannot be used; null: they can. */
  check?(values: SettingValues<S>, limits: RewardLimits): string | null;
  /** Pure. null: the rule does not apply to this row; it is then left out of the sum, as TRL does with None. */
  score(completion: Completion, row: ScoredRow, values: SettingValues<S>, limits: RewardLimits): number | null;
}

/** Gives a reward the types of its own name and settings. */
export const defineReward = <const N extends string, const S extends Settings = Record<never, Setting>>(
  reward: Reward<N, S>,
): Reward<N, S> => reward;
