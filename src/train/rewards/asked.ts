/**
 * What a row's question asks of the form of its answer, read from its words and held against its solution: words that the
 * solution contradicts are about something else, and ask for nothing. The one place where questions are read so.
 *
 *   "Find the dog in Image-2."                     in image 2, 1 box, as boxes         (solution: one box in image 2)
 *   "Find in image 2 what image 1 shows."          1 box, as boxes                     (two images are named: not which)
 *   "Box both cups." · "Box all cups."             2 boxes · as many as the solution has
 *   "Which image has no dog? A. Image-1 B. …"      one of A, B, …
 *   "Is there a dog? Answer yes or no."            yes or no
 *   "Find the dog." with the answer "none"         nothing
 */
import { offeredLetters, questionOf } from '../../data/wanted.ts';
import { imageHints, resolveHint } from '../../grounding/image-hint.ts';
import type { ScoredRow } from './reward.ts';

export type AskedForm =
  | { readonly kind: 'boxes' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] };

export interface Asked {
  /** Where the boxes are to be, counted from 0; null: the question does not say. */
  readonly pictures: readonly number[] | null;
  /** How many boxes there are to be; null: the question does not say, or asks for none. */
  readonly count: number | null;
  readonly form: AskedForm | null;
}

const NUMBERS: Readonly<Record<string, number>> = {
  one: 1,
  two: 2,
  both: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
};
const COUNT = /\b(one|two|both|three|four|five|six|seven|eight)\b/gi;
const MANY = /\b(?:all|each|every)\b/i;
const YES_OR_NO = /\byes or no\b|\byes\/no\b/i;

export function askedOf({ prompt, solution, images, wanted: right }: ScoredRow): Asked {
  const question = questionOf(prompt);
  if (solution.length === 0) {
    const choices = offeredLetters(question);
    const form: AskedForm | null =
      right?.kind === 'nothing'
        ? { kind: 'nothing' }
        : choices.length > 0
          ? { kind: 'choice', choices }
          : YES_OR_NO.test(question)
            ? { kind: 'choice', choices: ['yes', 'no'] }
            : null;
    return { pictures: null, count: null, form };
  }
  // −1: a picture that is not there, or that cannot be told.
  const named = [
    ...new Set(
      imageHints(question).map(({ image }) => (image === null ? -1 : (resolveHint(image, images.length) ?? -1))),
    ),
  ];
  const wanted: ReadonlySet<number> = new Set(solution.map(({ image }) => image));
  const sure = images.length > 1 && !solution.some(({ imageGuessed }) => imageGuessed);
  // Pictures are named for reference too; those of the answer are sure only where no other is named.
  const pictures = sure && named.length > 0 && named.every((image) => wanted.has(image));
  const numbers = [...question.matchAll(COUNT)].map(([, word]) => NUMBERS[word!.toLowerCase()]!);
  const counted = numbers.includes(solution.length) || MANY.test(question) || solution.length === 1;
  return {
    pictures: pictures ? named : null,
    count: counted ? solution.length : null,
    form: { kind: 'boxes' },
  };
}
