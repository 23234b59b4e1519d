/**
 * MMIU: 52 tasks of multiple choice over several images; the score is the mean over tasks.
 *
 * The official letters come from GPT; ours from `readChoice`. Two quirks of Migician's script are not repeated: it
 * counts every question twice in the denominator, and drops tasks without a hit from the mean.
 */
import { type ChoiceAnswer, type ChoiceScores, readChoice, scoreChoices } from './multiple-choice.ts';

/** `output`: the correct letter, as in the dataset. `options`: the options' text, one "A: …" a line, or their number. */
export function readMmiu(row: { task: string; output: string; options: string | number }, text: string): ChoiceAnswer {
  const choices =
    typeof row.options === 'number'
      ? row.options
      : Math.max(1, [...row.options.matchAll(/^\s*\(?[A-Z]\s*[:.)]/gm)].length);
  return {
    task: row.task,
    correct: row.output
      .trim()
      .replace(/[().\s]/g, '')
      .toUpperCase(),
    given: readChoice(text, choices),
  };
}

/** `macro` is MMIU's score. */
export const scoreMmiu = (answers: readonly ChoiceAnswer[]): ChoiceScores => scoreChoices(answers);
