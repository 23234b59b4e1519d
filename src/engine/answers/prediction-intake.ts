/** A file of predictions, ours or another tool's, as answers to the rows of an open dataset. */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import { readForeign, type ForeignSpace } from '../../evaluate/foreign.ts';
import { foreignAnswers, matchAnswers } from '../../evaluate/prediction-files.ts';
import { firstAnswers, readPredictions, type Prediction, type PredictionHeader } from '../../evaluate/prediction.ts';
import { pagesOf, rowsToAnswer } from '../../evaluate/rows-to-answer.ts';

export interface ReadPredictions {
  readonly header: PredictionHeader | null;
  readonly predictions: readonly Prediction[];
  /** Answers to rows that are not here. */
  readonly strangers: number;
}

const OURS = '{"groundwork":"predictions"';

/** Throws `predictions-unreadable`. */
export async function readPredictionFile(
  text: string,
  file: string,
  dataset: Dataset,
  space: ForeignSpace | undefined,
): Promise<ReadPredictions> {
  // A foreign answer finds its row by id or by place; nothing else of the row is held.
  const rows = await rowsToAnswer(pagesOf(dataset.rows('heldout')), 0, 0, ({ id, source, images }) => ({
    id,
    source,
    images,
  }));
  const read = text.startsWith(OURS) ? ours(text, rows) : await theirs(text, file, rows, dataset, space);
  if (read.predictions.length === 0)
    throw new GroundworkError(
      'predictions-unreadable',
      `None of the answers of ${file} belongs to a row of this dataset.`,
      'Check that the file belongs to the dataset, and that its ids are the dataset’s.',
    );
  return read;
}

type Known = Pick<Row, 'id' | 'source' | 'images'>;

function ours(text: string, rows: readonly Known[]): ReadPredictions {
  const { header, answers } = readPredictions(text);
  if (header?.samples !== undefined)
    throw new GroundworkError(
      'predictions-unreadable',
      'This file holds several samples of each row.',
      'Take a file with one answer a row. Samples are scored by npm run evaluate.',
    );
  const predictions = firstAnswers(answers);
  const ids = new Set(rows.map(({ id }) => id));
  const mine = [...predictions.values()].filter(({ row }) => ids.has(row));
  return { header, predictions: mine, strangers: predictions.size - mine.length };
}

async function theirs(
  text: string,
  file: string,
  rows: readonly Known[],
  dataset: Dataset,
  space: ForeignSpace | undefined,
): Promise<ReadPredictions> {
  const { texts, strangers } = matchAnswers(foreignAnswers(text, file), rows);
  const predictions: Prediction[] = [];
  for (const { id, images } of rows) {
    const answer = texts.get(id);
    if (answer === undefined) continue;
    const sizes = await Promise.all(
      images.map(async (path) => (await dataset.naturalSize(path)) ?? { width: 0, height: 0 }),
    );
    predictions.push(readForeign(id, answer, sizes, space));
  }
  return { header: null, predictions, strangers };
}
