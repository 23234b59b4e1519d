/**
 * Adapters folded into the checkpoint that they were trained on, from disk to disk: a checkpoint folder that needs no
 * adapter. Unlike in a session, whose picture features are computed without adapters, the vision tower is changed, too.
 */
import { GroundworkError } from '../../base/error.ts';
import { blobSource } from '../../formats/byte-source.ts';
import { openCheckpoint } from '../../formats/checkpoint-files.ts';
import { readableWeights } from '../../formats/quantised-weights.ts';
import { openSafetensors } from '../../formats/safetensors.ts';
import { jsonOf, parseArchitecture, weightKey } from '../../models/load.ts';
import { linearModules } from '../../models/vision-language.ts';
import { shardNames, type OutputFile } from '../../train/checkpoint-folder.ts';
import { mergedFiles } from '../../train/export.ts';
import { readAdapter, type ImportedAdapter } from '../../train/import.ts';
import { adapterFilesOf, notesOnPassedBy } from '../model/adapter-files.ts';
import { stripCommonFolder } from '../model/folder-files.ts';
import type { CheckpointFolder } from './checkpoint-merge.ts';
import { inFolder, type AdapterFolder } from './folder-adapter.ts';

export interface IntoModel {
  readonly notes: readonly string[];
  /** Modules that are changed; of the vision tower among them. */
  readonly changed: number;
  readonly inTower: number;
  files(): OutputFile[];
}

/**
 * @param folders in the order in which they were trained, each on what the one before left
 * @throws GroundworkError `adapter-partial` where an adapter changes what is no linear layer of the model, and what
 * opening a checkpoint or an adapter throws
 */
export async function mergeIntoModel(base: CheckpointFolder, folders: readonly AdapterFolder[]): Promise<IntoModel> {
  const folder = new Map(stripCommonFolder(base.files).map(({ path, file }) => [path, blobSource(file)]));
  const { architecture, checkpoint, notes } = await inFolder(base.name, async () => {
    const config = await jsonOf(folder, 'config.json');
    const parsed = parseArchitecture(config);
    return { architecture: parsed, ...(await readableWeights(await openCheckpoint(folder), config)) };
  });
  const all = linearModules(architecture);
  const linears = all.map((linear) => ({ ...linear, tower: 'text' as const }));
  const adapters: ImportedAdapter[] = [];
  const told = [...architecture.notes, ...notes];
  for (const { name, files } of folders) {
    const read = await inFolder(name, async () => {
      const { config, weights, passedBy } = await adapterFilesOf(files);
      told.push(...notesOnPassedBy(passedBy));
      return readAdapter(linears, await config.text(), await openSafetensors(blobSource(weights), name), {
        checkpoint,
        keyOf: (module) => weightKey({ architecture, checkpoint }, module),
      });
    });
    if (read.leftOut.length)
      throw new GroundworkError(
        'adapter-partial',
        `${name} also changes ${read.leftOut[0]!}, which is no linear layer of this model (${read.leftOut.length} in all).`,
        'A model merged without them would give other answers. Merge the adapter with PEFT (merge_and_unload).',
      );
    if (read.magnitudes && adapters.length > 0)
      throw new GroundworkError(
        'adapter-unsupported',
        `${name} is a DoRA adapter, and its row norms are those of the base model alone.`,
        'Name it first, before the adapters that were trained on it.',
      );
    told.push(...read.notes);
    adapters.push(read);
  }
  const shards = await shardNames(folder);
  const files = () => mergedFiles(folder, checkpoint, shards, adapters, architecture);
  files(); // what cannot be merged is said now
  const changed = new Set(adapters.flatMap(({ targets }) => targets.map(({ module }) => module)));
  const inTower = all.filter(({ name, tower }) => tower !== 'text' && changed.has(name)).length;
  return { notes: told, changed: changed.size, inTower, files };
}
