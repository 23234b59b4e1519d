/**
 * rewards.py of a job: the rules of the registry, the reader of answers and the words it looks for, in one file of
 * Python without dependencies. Patterns and words are those of grounding, so that they cannot drift apart; what is
 * written by hand beside them is held to ours by thousands of answers (tests/jobs).
 */
import { REFUSAL_PATTERNS } from '../../grounding/absence.ts';
import { BOX_WORDS } from '../../grounding/box-values.ts';
import type { BoxConvention } from '../../grounding/convention.ts';
import { HINT_PATTERNS } from '../../grounding/image-hint.ts';
import { LOOSE_PATTERNS } from '../../grounding/loose-json.ts';
import { END_OF_TURN } from '../../grounding/parse.ts';
import { QUAD_PATTERNS } from '../../grounding/quads.ts';
import { SYNTAXES } from '../../grounding/syntaxes/index.ts';
import { CHOICE_MARKS } from '../../train/rewards/instruction.ts';
import {
  REWARD_NAMES,
  REWARDS,
  rewardValues,
  usesCode,
  weightOf,
  type RewardChoice,
} from '../../train/rewards/index.ts';
import { unable } from '../refusal.ts';
import adapters from './adapters.py';
import answers from './answers.py';
import { pythonLiteral } from './python-source.ts';
import { PYTHON_RULES } from './rules.ts';
import scoring from './scoring.py';

/** Rewards of a stage, under its name in the job. */
export interface StageRewards {
  readonly stage: string;
  readonly choice: RewardChoice;
  /** Tokens that a completion may have. */
  readonly limit: number;
}

const PATTERNS = {
  hint: HINT_PATTERNS.hint,
  lettered: HINT_PATTERNS.lettered,
  elliptic: HINT_PATTERNS.elliptic,
  image_key: HINT_PATTERNS.imageKey,
  short_number: HINT_PATTERNS.shortNumber,
  loose_number: LOOSE_PATTERNS.number,
  after_quote: LOOSE_PATTERNS.afterQuote,
  wide: LOOSE_PATTERNS.wide,
  key_marks: BOX_WORDS.keyMarks,
  number_in_quotes: BOX_WORDS.numberInQuotes,
  label_colon: BOX_WORDS.labelColon,
  two_digits: BOX_WORDS.twoDigits,
  bracket_first: QUAD_PATTERNS.bracketFirst,
  last_bracket: QUAD_PATTERNS.lastBracket,
  label_before: QUAD_PATTERNS.labelBefore,
  outline: QUAD_PATTERNS.outline,
  end_of_turn: END_OF_TURN,
  nothing: REFUSAL_PATTERNS.nothing,
  quotes: REFUSAL_PATTERNS.quotes,
  choice_marks: CHOICE_MARKS,
  bare: QUAD_PATTERNS.bare,
  around: QUAD_PATTERNS.around,
  quads: QUAD_PATTERNS.quads.map(({ pattern, form, groups }) => [pattern, form, groups]),
};

const WORDS = {
  wide: LOOSE_PATTERNS.asciiOf,
  last: HINT_PATTERNS.last,
  numbers: HINT_PATTERNS.numbers,
  letters: HINT_PATTERNS.letters,
  box: BOX_WORDS.box,
  y_first: BOX_WORDS.yFirst,
  points: BOX_WORDS.points,
  label: BOX_WORDS.label,
  labels: BOX_WORDS.labels,
  other: BOX_WORDS.other,
  angles: BOX_WORDS.angles,
  side_keys: BOX_WORDS.sideKeys,
  sides: BOX_WORDS.sides,
  corners: BOX_WORDS.corners,
  most_boxes: QUAD_PATTERNS.mostBoxes,
  longest_refusal: REFUSAL_PATTERNS.longest,
};

const table = (name: string, values: object): string =>
  `${name} = {\n${Object.entries(values)
    .map(([key, value]) => `    ${pythonLiteral(key)}: ${pythonLiteral(value)},`)
    .join('\n')}\n}`;

/** [name, weight, settings] of what is scored, in the order of sums. @throws GroundworkError `job-unable` */
function scoredOf({ stage, choice }: StageRewards): [string, number, object][] {
  if (usesCode(choice))
    throw unable(
      `${stage} weighs a reward of your own, which is JavaScript.`,
      'Write the rule in Python into rewards.py by hand, and set its weight to 0 in the plan.',
    );
  return REWARD_NAMES.flatMap((name): [string, number, object][] => {
    const weight = weightOf(choice.rewardWeights, name);
    if (PYTHON_RULES[name] === null || (weight === 0 && !REWARDS[name].always)) return [];
    return [[name, weight, rewardValues(name, choice)]];
  });
}

/** The file's text. @throws GroundworkError `job-unable` for a reward that Python cannot have */
export function rewardsModule(
  convention: Pick<BoxConvention, 'space' | 'syntax' | 'words'>,
  stages: readonly StageRewards[],
): string {
  const choices = Object.fromEntries(
    stages.map((each) => [each.stage, { limit: each.limit, rewards: scoredOf(each) }]),
  );
  const syntax = convention.syntax === SYNTAXES.tokens ? 'tokens' : 'json';
  const rules = Object.entries(PYTHON_RULES).flatMap(([name, rule]) =>
    rule === null ? [] : `    ${pythonLiteral(name)}: lambda a, t, ids, v, limit: ${rule},`,
  );
  return [
    `"""The rewards of this job, as Groundwork scores them. Written by it: change the plan rather than this file.\n\nBoxes are written as ${convention.words}.\n"""\n\nimport json\nimport math\nimport re\n`,
    table('CONVENTION', { space: convention.space, syntax }),
    table('CHOICES', choices),
    table('PATTERNS', PATTERNS),
    table('WORDS', WORDS),
    answers,
    scoring,
    `\n# a: answer, t: truth, v: settings, limit: tokens that a completion may have\nRULES = {\n${rules.join('\n')}\n}\n`,
    adapters,
  ].join('\n');
}
