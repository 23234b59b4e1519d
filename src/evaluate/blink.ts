/**
 * BLINK (zeyofu/BLINK_Benchmark): 14 sub-tasks of multiple choice; the score is the mean over sub-tasks.
 *
 * Answers are read as the official script does before it asks GPT-3.5: that last step is left out, and what it would
 * have guessed counts as a parse failure. lmms-eval's looser letter pattern, which reads "An…" as A, is not repeated.
 */
import { type ChoiceAnswer, type ChoiceScores, readChoice, scoreChoices } from './multiple-choice.ts';

/** Sub-task → questions of the validation split. */
export const BLINK_TASKS: Readonly<Record<string, number>> = {
  Visual_Correspondence: 172,
  IQ_Test: 150,
  Jigsaw: 150,
  Spatial_Relation: 143,
  Semantic_Correspondence: 139,
  Visual_Similarity: 135,
  Relative_Reflectance: 134,
  'Multi-view_Reasoning': 133,
  Forensic_Detection: 132,
  Functional_Correspondence: 130,
  Relative_Depth: 124,
  Object_Localization: 122,
  Counting: 120,
  Art_Style: 117,
};

/** `answer`: as in the dataset, "(B)". `choices`: their number. */
export function readBlink(row: { sub_task: string; answer: string; choices: number }, text: string): ChoiceAnswer {
  return {
    task: row.sub_task,
    correct: row.answer.replace(/[()\s]/g, '').toUpperCase(),
    given: readChoice(text, row.choices),
  };
}

/** `macro` is BLINK's score. */
export const scoreBlink = (answers: readonly ChoiceAnswer[]): ChoiceScores => scoreChoices(answers);
