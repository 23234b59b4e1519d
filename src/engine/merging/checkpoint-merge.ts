/** Checkpoint folders merged into one, from disk to disk. */
import { GroundworkError } from '../../base/error.ts';
import { blobSource, type ByteSource } from '../../formats/byte-source.ts';
import { openCheckpoint } from '../../formats/checkpoint-files.ts';
import { shardNames, type OutputFile } from '../../train/checkpoint-folder.ts';
import type { CheckpointMethodName, MethodSettings } from '../../train/merging/checkpoint-methods.ts';
import {
  checkpointLikeness,
  mergedCheckpointFiles,
  type CheckpointMerge,
  type NamedCheckpoint,
} from '../../train/merging/checkpoints.ts';
import type { MergeLikeness } from '../../train/merging/likeness.ts';
import { stripCommonFolder } from '../model/folder-files.ts';
import type { NamedFile } from '../protocol/words.ts';

export interface CheckpointFolder {
  readonly name: string;
  readonly files: readonly NamedFile[];
}

interface Opened extends NamedCheckpoint {
  readonly folder: ReadonlyMap<string, ByteSource>;
}

/** A merge that can be looked at before it is written. */
export interface OpenedMerge {
  readonly names: readonly string[];
  readonly notes: readonly string[];
  /** Reads every tensor once more than writing does. */
  likeness(onTensor?: (done: number, total: number) => void): Promise<MergeLikeness>;
  files(): OutputFile[];
}

/** @throws GroundworkError `merge-setting`, `merge-tensors`, and what opening a checkpoint throws */
export async function mergeCheckpointFolders(
  folders: readonly CheckpointFolder[],
  base: CheckpointFolder | null,
  method: CheckpointMethodName,
  settings: MethodSettings,
): Promise<OpenedMerge> {
  const parts: Opened[] = [];
  for (const folder of folders) parts.push(await open(folder));
  const opened = base && (await open(base));
  const merge: CheckpointMerge = { method, settings, parts, base: opened };
  const home = opened ?? parts[0]!;
  const shards = await shardNames(home.folder);
  const files = () => mergedCheckpointFiles(merge, home.folder, shards);
  files(); // what cannot be merged is said now
  return {
    names: parts.map(({ name }) => name),
    notes: await strangeTokenizers(home, parts),
    likeness: (onTensor) => checkpointLikeness(merge, onTensor),
    files,
  };
}

async function open({ name, files }: CheckpointFolder): Promise<Opened> {
  try {
    const folder = new Map(stripCommonFolder(files).map(({ path, file }) => [path, blobSource(file)]));
    return { name, folder, weights: await openCheckpoint(folder) };
  } catch (error) {
    if (!(error instanceof GroundworkError)) throw error;
    throw new GroundworkError(error.code, `${name}: ${error.message}`, error.hint, { cause: error });
  }
}

const TOKENIZER = 'tokenizer.json';

async function strangeTokenizers(home: Opened, parts: readonly Opened[]): Promise<string[]> {
  const text = async ({ folder }: Opened) => {
    const source = folder.get(TOKENIZER);
    return source ? new TextDecoder().decode(await source.read(0, source.size)) : null;
  };
  const ours = await text(home);
  const notes: string[] = [];
  for (const part of parts)
    if (part !== home && (await text(part)) !== ours)
      notes.push(`${part.name} has another ${TOKENIZER} than ${home.name}. The result has that of ${home.name}.`);
  return notes;
}
