/** Adapters merged without their model: folders in PEFT's layout, or a run's checkpoints, as one such folder. */
import { plural } from '../../base/counts.ts';
import { GroundworkError } from '../../base/error.ts';
import { blobSource } from '../../formats/byte-source.ts';
import type { Storage } from '../../store/storage.ts';
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import { readCheckpoint } from '../../train/checkpoint-file.ts';
import { combine } from '../../train/combine.ts';
import { adapterFiles } from '../../train/export.ts';
import type { MergedAdapter } from '../../train/merged-rows.ts';
import { combineAdapters, type CombineSettings } from '../../train/merging/combinations.ts';
import { adapterLikeness, type MergeLikeness } from '../../train/merging/likeness.ts';
import { vaultOf } from '../keep/keeper.ts';
import { ofOneStage, type CheckpointAbout, type RunRecord } from '../protocol/records.ts';
import { readFolderAdapters, type AdapterFolder } from './folder-adapter.ts';

/** A merge that can be looked at before it is written. */
export interface AdapterMerge {
  readonly names: readonly string[];
  readonly result: MergedAdapter;
  readonly likeness: MergeLikeness;
  /** What is to be known about it, in whole sentences. */
  readonly notes: readonly string[];
  files(): OutputFile[];
}

/** @throws what `readFolderAdapters` and `combineAdapters` throw */
export async function mergeAdapterFolders(
  folders: readonly AdapterFolder[],
  settings: CombineSettings,
): Promise<AdapterMerge> {
  const read = await readFolderAdapters(folders);
  const adapters = read.map(({ adapter }) => adapter);
  const bases = [...new Set(adapters.flatMap(({ baseName }) => baseName ?? []))];
  return mergeOf(
    read.map(({ name }) => name),
    adapters,
    combineAdapters(adapters, settings),
    bases[0] ?? '',
    [
      ...read.flatMap(({ name, adapter }) => adapter.notes.map((note) => `${name}: ${note}`)),
      ...(bases.length > 1
        ? [`The adapters name different base models: ${bases.join(', ')}. The result names the first.`]
        : []),
    ],
  );
}

/**
 * The mean of what a run's checkpoints have changed, of the last stage that trained: exact, with the ranks added up, or
 * cut back to a rank. What was folded in before is part of the result.
 * @param rank null: all of it
 * @param last how many checkpoints, from the newest; null: all that are kept
 * @throws GroundworkError `run-missing`, `merge-setting`
 */
export async function averageCheckpoints(
  storage: Storage,
  rank: number | null,
  last: number | null,
): Promise<AdapterMerge> {
  const [run] = (await storage.records.all<RunRecord>('runs')).toSorted((a, b) => b.changedAt - a.changedAt);
  if (!run)
    throw new GroundworkError(
      'run-missing',
      'There is no run in this folder.',
      'Name the folder that was given to npm run demo as --out.',
    );
  const vault = vaultOf(storage, run.id);
  const found: { about: CheckpointAbout; merged: readonly MergedAdapter[]; learning: MergedAdapter }[] = [];
  let damaged = 0;
  for (const entry of await vault.entries()) {
    const first = found[0]?.about ?? entry.about;
    if (!ofOneStage(entry.about, first) || (last !== null && found.length >= last)) continue;
    const file = await vault.read(entry);
    if (!file) {
      damaged++;
      continue;
    }
    const { merged, learning } = (await readCheckpoint(blobSource(file))).policy;
    if (learning) found.push({ about: entry.about, merged, learning });
  }
  if (found.length < 2)
    throw new GroundworkError(
      'merge-setting',
      `The run keeps ${plural(found.length, 'sound checkpoint')} of a stage that trains; a mean needs 2.`,
      'Keep more checkpoints of a run (keepLast), or merge folders of adapters.',
    );
  const weights = found.map(() => 1 / found.length);
  const parts = found.map(({ learning }) => learning);
  const mean = combineAdapters(parts, rank === null ? { kind: 'cat', weights } : { kind: 'svd', weights, rank });
  const before = found[0]!.merged;
  return mergeOf(
    found.map(({ about }) => `step ${about.step}`),
    parts.map((part) => combine([...before, part])),
    combine([...before, mean]),
    run.modelName,
    [
      ...(damaged ? [`Damaged checkpoints that were skipped: ${damaged}.`] : []),
      ...(before.length ? [`The result includes what the run had folded in before (${before.length}).`] : []),
    ],
  );
}

const mergeOf = (
  names: readonly string[],
  parts: readonly MergedAdapter[],
  result: MergedAdapter,
  baseName: string,
  notes: readonly string[],
): AdapterMerge => ({
  names,
  result,
  likeness: adapterLikeness(parts, result),
  notes,
  // Without the model nobody can say which shorter names would reach the same modules and no others.
  files: () => adapterFiles(result, [], baseName),
});
