/** What a run was started on, as digests: a checkpoint fits the same model and the same rows, and nothing else. */
import type { Dataset } from '../../data/dataset.ts';
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
  const { format, conventions } = dataset.report.options;
  // Rows that are read in another way have the same ids and other boxes.
  if (format !== undefined || conventions) parts.push(JSON.stringify([format, conventions?.pairs, conventions?.list]));
  const digest = textDigest(parts.join('\n\n'));
  datasetDigests.set(dataset, digest);
  return digest;
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
