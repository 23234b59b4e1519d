/** What a run was started on, as digests: a checkpoint fits the same model and the same rows, and nothing else. */
import type { Reading, WayOfWriting } from '../../data/dataset-ref.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { ConventionReport } from '../../data/dataset-report.ts';
import { INDEX_FILE } from '../../formats/checkpoint-files.ts';
import type { CheckpointFolder, LoadedModel } from '../../models/load.ts';
import type { RowList } from '../../data/row-list.ts';
import { textDigest } from '../../store/digest.ts';
import type { RunIdentity } from '../protocol/records.ts';

export async function identityOf(loaded: LoadedModel, dataset: Dataset): Promise<RunIdentity> {
  return { model: await modelDigest(loaded), dataset: await datasetDigest(dataset) };
}

export const modelDigest = async ({ folder, dtype }: LoadedModel): Promise<string> =>
  textDigest([dtype, await textOf(folder, 'config.json'), ...weightFiles(folder)].join('\n'));

/** Of an open dataset's rows and of how the user said that they are read, which never change: asked for with every few answers, and made once. */
const datasetDigests = new WeakMap<Dataset, Promise<string>>();

export function datasetDigest(dataset: Dataset): Promise<string> {
  const known = datasetDigests.get(dataset);
  if (known) return known;
  const parts = (['train', 'heldout'] as const).map((split) => idsOf(dataset.rows(split)));
  const { options, conventions, edits } = dataset.report;
  const { format, readings, answers, turns, unsaidPictures, benchmarks, compose } = options;
  // Rows that are read in another way have the same ids and other boxes.
  if (format !== undefined || readings) parts.push(JSON.stringify([format, ...answersOf(readings ?? [], conventions)]));
  // The same ids with other answers, and other rows under the same ids.
  if (answers === 'words' || turns === 'last' || unsaidPictures || benchmarks || compose)
    parts.push(JSON.stringify({ answers, turns, unsaidPictures, benchmarks, compose }));
  // Edited rows have the same ids and another content.
  if (edits?.changes) parts.push(`edits ${edits.digest}`);
  const digest = textDigest(parts.join('\n\n'));
  datasetDigests.set(dataset, digest);
  return digest;
}

/**
 * What the user said of the readings. One answer for all files that write boxes in its way is put as it was when there
 * was no other, so that checkpoints of then fit the same rows now.
 */
function answersOf(readings: readonly Reading[], files: readonly ConventionReport[]): readonly unknown[] {
  const forAll = (way: WayOfWriting) => {
    const mine = readings.filter((each) => each.way === way).map(({ space, layout }) => ({ space, layout }));
    const every = mine.length === files.filter((each) => each.way === way).length;
    return every && mine.every((each) => JSON.stringify(each) === JSON.stringify(mine[0])) ? mine[0] : undefined;
  };
  const [pairs, list] = [forAll('pairs'), forAll('list')];
  const covered = (['pairs', 'list'] as const).filter((way) => (way === 'pairs' ? pairs : list) !== undefined);
  const plain = readings.every(({ way, resize }) => !resize && covered.some((each) => each === way));
  return plain ? [pairs, list] : [readings];
}

/** Tells a folder from one with other files: a digest of its configuration, its index, and its weight files' names and sizes. */
export const folderDigest = async (folder: CheckpointFolder): Promise<string> =>
  textDigest(
    [await textOf(folder, 'config.json'), await textOf(folder, INDEX_FILE), ...weightFiles(folder)].join('\n'),
  );

const weightFiles = (folder: CheckpointFolder): string[] =>
  [...folder]
    .map(([path, { size }]) => `${path} ${size}`)
    .filter((line) => /\.safetensors/.test(line))
    .sort();

async function textOf(folder: CheckpointFolder, name: string): Promise<string> {
  const file = folder.get(name);
  return file ? new TextDecoder().decode(await file.read(0, file.size)) : '';
}

const idsOf = (rows: RowList): string => Array.from({ length: rows.length }, (_, i) => rows.id(i)).join('\n');
