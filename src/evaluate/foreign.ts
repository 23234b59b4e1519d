/** Answers of a model that is not here, read in the space that its owner names. */
import { GroundworkError } from '../base/error.ts';
import type { Size } from '../grounding/box.ts';
import { CONVENTIONS } from '../grounding/convention.ts';
import { splitTags } from '../grounding/parse.ts';
import { readAnswer } from '../train/read-answer.ts';
import { refuses } from '../grounding/absence.ts';
import { foreignAnswers, matchAnswers, type Placed } from './prediction-files.ts';
import type { Prediction } from './prediction.ts';

/** Thousandths, or pixels of the picture files; fractions are known by their decimals under either. */
export type ForeignSpace = 'thousandths' | 'pixels';

/** Without a space no box is read: what its numbers are would be a guess. */
export function readForeign(row: string, text: string, sizes: readonly Size[], space?: ForeignSpace): Prediction {
  if (space === undefined) {
    const { answer } = splitTags(text);
    return { row, text, boxes: null, parsed: false, refused: refuses(answer), sizes };
  }
  // Those families write plain numbers of either kind; the sizes are the files' own, for nothing was resized here.
  const convention = CONVENTIONS[space === 'thousandths' ? 'qwen2_vl' : 'qwen2_5_vl'];
  const { boxes, parsed, answer, thoughtBoxes } = readAnswer(text, convention, sizes);
  const thought = thoughtBoxes.length > 0 && { thoughtBoxes };
  return { row, text, boxes, ...thought, parsed, refused: !parsed && refuses(answer), sizes };
}

export const noneBelongs = (file: string): GroundworkError =>
  new GroundworkError(
    'predictions-unreadable',
    `None of the answers of ${file} belongs to a row of this dataset.`,
    'Check that the file belongs to the dataset, and that its ids are the dataset’s.',
  );

/**
 * The answers of another tool's file, in the order of the rows. `strangers`: answers to rows that are not here;
 * `repeated`: rows with several answers that differ, of which the last counts. Throws
 * `predictions-unreadable`.
 * @param rows all rows of the files: places are counted over them
 * @param sizesOf sizes of a row's pictures
 */
export async function readForeignFile<R extends Placed>(
  text: string,
  file: string,
  rows: readonly R[],
  sizesOf: (row: R) => Promise<readonly Size[]>,
  space: ForeignSpace | undefined,
): Promise<{
  readonly predictions: readonly Prediction[];
  readonly strangers: number;
  readonly repeated: number;
}> {
  const { texts, strangers, repeated } = matchAnswers(foreignAnswers(text, file), rows, file);
  if (texts.size === 0) throw noneBelongs(file);
  const predictions: Prediction[] = [];
  for (const row of rows) {
    const answer = texts.get(row.id);
    if (answer !== undefined) predictions.push(readForeign(row.id, answer, await sizesOf(row), space));
  }
  return { predictions, strangers, repeated };
}
