/** A file of predictions, ours or another tool's, as answers to the rows of an open dataset. */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import { noneBelongs, readForeignFile, type ForeignSpace } from '../../evaluate/foreign.ts';
import {
  firstAnswers,
  isPredictionFile,
  readPredictions,
  type Prediction,
  type PredictionHeader,
} from '../../evaluate/prediction.ts';
import { lmmsTaskOf, type Placed } from '../../evaluate/prediction-files.ts';
import { pagesOf, rowsToAnswer } from '../../evaluate/rows-to-answer.ts';

export interface ReadPredictions {
  readonly header: PredictionHeader | null;
  readonly predictions: readonly Prediction[];
  /** Answers to rows that are not here. */
  readonly strangers: number;
  /** Rows with several answers that differ, of which the last counts. */
  readonly repeated: number;
}

/** Throws `predictions-unreadable`. */
export async function readPredictionFile(
  text: string,
  file: string,
  dataset: Dataset,
  space: ForeignSpace | undefined,
): Promise<ReadPredictions> {
  // A foreign answer finds its row by id or by place; nothing else of the row is held.
  const rows = await rowsToAnswer(pagesOf(dataset.rows('heldout')), 0, 0, (row) => ({
    id: row.id,
    source: row.source,
    images: row.images,
    lmmsTask: lmmsTaskOf(row),
  }));
  const sizesOf = ({ images }: Known) =>
    Promise.all(images.map(async (path) => (await dataset.naturalSize(path)) ?? { width: 0, height: 0 }));
  if (!isPredictionFile(text)) return { header: null, ...(await readForeignFile(text, file, rows, sizesOf, space)) };
  const read = ours(text, rows);
  if (read.predictions.length === 0) throw noneBelongs(file);
  return read;
}

type Known = Placed & Pick<Row, 'images'>;

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
  return { header, predictions: mine, strangers: predictions.size - mine.length, repeated: 0 };
}
