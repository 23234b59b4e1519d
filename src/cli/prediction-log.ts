/** A file of predictions on disk: written while a model answers, gone on with, and read from other tools. */
import { open, readFile, truncate } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { plural, subject } from '../base/counts.ts';
import type { DatasetReport, Row, Size } from '../engine/protocol/index.ts';
import type { EngineSession } from '../engine/session.ts';
import { noneBelongs, readForeignFile, type ForeignSpace } from '../evaluate/foreign.ts';
import { lmmsTaskOf } from '../evaluate/prediction-files.ts';
import {
  addAnswer,
  differences,
  headerLine,
  isPredictionFile,
  predictionLine,
  readPredictions,
  type Answers,
  type Prediction,
  type PredictionHeader,
} from '../evaluate/prediction.ts';
import { readImageHeader } from '../image/size.ts';
import { UsageError } from './arguments.ts';
import { toldByDisk } from './disk-error.ts';

export interface PredictionLog {
  readonly header: PredictionHeader;
  readonly answers: Answers;
  add(predictions: readonly Prediction[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file to go on with, or begins it. A last line that was cut off is answered again. Throws `usage` for a file
 * that was made otherwise.
 */
export async function openPredictions(
  file: string,
  header: PredictionHeader,
  pictures: () => Promise<PredictionHeader['pictures']>,
): Promise<PredictionLog> {
  const disk = toldByDisk(file);
  const kept = existsSync(file) ? readPredictions(await readFile(file, 'utf8')) : null;
  const known = kept?.header ?? null;
  if (kept && !known && kept.wholeBytes > 0)
    throw new UsageError(`${file} is not a file of predictions.`, 'Choose another file with --predictions.');
  const other = known ? differences(known, header) : [];
  if (other.length)
    throw new UsageError(
      `${file} was made with other options: ${other.join('; ')}.`,
      'Choose another file with --predictions, or give the same options. Nothing was changed.',
    );
  const whole = known ?? { ...header, pictures: await pictures() };
  const handle = await disk(() => open(file, 'a'));
  if (kept) await disk(() => truncate(file, kept.wholeBytes));
  if (!known) await disk(() => handle.appendFile(headerLine(whole)));
  const answers = new Map(known ? kept!.answers : []);
  return {
    header: whole,
    answers,
    async add(more) {
      await disk(() => handle.appendFile(more.map(predictionLine).join('')));
      for (const each of more) addAnswer(answers, each);
    },
    close: () => handle.close(),
  };
}

/** Sizes of a row's pictures, without a model. */
async function sizesOf(session: EngineSession, dataset: string, row: Row): Promise<Size[]> {
  const sizes: Size[] = [];
  for (const path of row.images) {
    const header = await readImageHeader(await session.handle({ type: 'image', dataset, path }));
    sizes.push(header?.size ?? { width: 0, height: 0 });
  }
  return sizes;
}

function tellOdd(file: string, strangers: number, repeated: number): void {
  if (strangers > 0)
    console.log(
      `${plural(strangers, 'answer')} of ${file} ${strangers === 1 ? 'belongs to a row' : 'belong to rows'} that this dataset does not have.`,
    );
  if (repeated > 0)
    console.log(
      `${subject(repeated, 'row', 'has', 'have')} several answers in ${file} that differ. The last of each counts.`,
    );
}

/** Predictions of ours, or of another tool. `rows`: those of a draw; `all`: of their files. Throws `predictions-unreadable`, and `usage` for answers to other rows. */
export async function readPredictionFile(
  file: string,
  session: EngineSession,
  dataset: DatasetReport,
  rows: readonly Row[],
  all: readonly Row[],
  space: ForeignSpace | undefined,
): Promise<{ header: PredictionHeader | null; answers: Answers; rows: number; stopped: boolean }> {
  const text = await readFile(file, 'utf8');
  if (isPredictionFile(text)) {
    const { header, answers } = readPredictions(text);
    const ids = new Set(rows.map(({ id }) => id));
    const strangers = [...answers.keys()].filter((id) => !ids.has(id)).length;
    if (answers.size > 0 && strangers === answers.size) throw noneBelongs(basename(file));
    tellOdd(basename(file), strangers, 0);
    return { header, answers, rows: answers.size, stopped: false };
  }
  const sizes = (row: Row) => sizesOf(session, dataset.id, row);
  const placed = all.map((row) => ({ ...row, lmmsTask: lmmsTaskOf(row) }));
  const { predictions, strangers, repeated } = await readForeignFile(text, basename(file), placed, sizes, space);
  tellOdd(basename(file), strangers, repeated);
  const asked = new Set(rows.map(({ id }) => id));
  const answers = new Map(predictions.flatMap((each) => (asked.has(each.row) ? [[each.row, [each]]] : [])));
  return { header: null, answers, rows: answers.size, stopped: false };
}
