/** What a run was started on, as digests: a checkpoint fits the same model and the same rows, and nothing else. */
import type { Dataset } from '../data/dataset.ts';
import type { LoadedModel } from '../models/load.ts';
import type { RowList } from '../data/row-list.ts';
import { textDigest } from '../store/digest.ts';
import type { RunIdentity } from './run-record.ts';

export async function identityOf(loaded: LoadedModel, dataset: Dataset): Promise<RunIdentity> {
  return { model: await modelDigest(loaded), dataset: await datasetDigest(dataset) };
}

export async function modelDigest({ folder, dtype }: LoadedModel): Promise<string> {
  const config = folder.get('config.json');
  const files = [...folder].map(([path, { size }]) => `${path} ${size}`).filter((line) => /\.safetensors/.test(line));
  return textDigest(
    [dtype, config ? new TextDecoder().decode(await config.read(0, config.size)) : '', ...files.sort()].join('\n'),
  );
}

export const datasetDigest = (dataset: Dataset): Promise<string> =>
  textDigest((['train', 'heldout'] as const).map((split) => idsOf(dataset.rows(split))).join('\n\n'));

const idsOf = (rows: RowList): string => Array.from({ length: rows.length }, (_, i) => rows.id(i)).join('\n');
