/**
 * A case's adapter, read whole: what it changes in the text model is trained here, and what it changes in the vision
 * tower is folded into the checkpoint, in f32, before the model is loaded.
 */
import { blobSource } from '../../formats/byte-source.ts';
import { loadModel, weightKey, type CheckpointFolder, type LoadedModel, type OpenOptions } from '../../models/load.ts';
import type { LinearModule } from '../../models/model.ts';
import type { Session } from '../../gpu/recorder.ts';
import { shardNames } from '../../train/checkpoint-folder.ts';
import { mergedFiles } from '../../train/export.ts';
import { readAdapter, type ImportedAdapter } from '../../train/import.ts';
import type { MergedAdapter } from '../../train/merged-rows.ts';
import type { GoldenCase } from './case.ts';

export interface LoadedCase {
  /** With the adapter's part on the vision tower in its weights. */
  readonly loaded: LoadedModel;
  /** As the case's folder has it. */
  readonly checkpoint: LoadedModel['checkpoint'];
  readonly adapter: {
    readonly whole: ImportedAdapter;
    /** Without the modules of the vision tower. */
    readonly text: MergedAdapter;
    /** Modules of the vision tower, which are folded in. */
    readonly folded: readonly string[];
  } | null;
}

export async function loadCase(session: Session, golden: GoldenCase, options: OpenOptions): Promise<LoadedCase> {
  const loaded = await loadModel(session, golden.checkpoint, options);
  const { model, checkpoint, architecture, folder } = loaded;
  if (!golden.adapter) return { loaded, checkpoint, adapter: null };
  try {
    const { config, tensors } = golden.adapter;
    const whole = await readAdapter(allOfThem(model.linears), config, tensors, {
      checkpoint,
      keyOf: (module) => weightKey(loaded, module),
    });
    const inTower = new Set(model.linears.flatMap(({ name, tower }) => (tower === 'text' ? [] : [name])));
    const vision = partOf(whole, (module) => inTower.has(module));
    const text = partOf(whole, (module) => !inTower.has(module));
    const folded = vision.targets.map(({ module }) => module);
    if (!folded.length) return { loaded, checkpoint, adapter: { whole, text, folded } };
    const files = mergedFiles(folder, checkpoint, await shardNames(folder), [vision], architecture, 'F32');
    const next: CheckpointFolder = new Map(
      await Promise.all(files.map(async ({ path, data }) => [path, blobSource(await blobOf(data))] as const)),
    );
    model.destroy();
    return { loaded: await loadModel(session, next, options), checkpoint, adapter: { whole, text, folded } };
  } catch (error) {
    model.destroy();
    throw error;
  }
}

/** Linears none of which is left out, whatever tower they are of. */
export const allOfThem = (linears: readonly LinearModule[]): LinearModule[] =>
  linears.map((linear) => ({ ...linear, tower: 'text' }));

function partOf({ targets, matrices, magnitudes }: MergedAdapter, wanted: (module: string) => boolean): MergedAdapter {
  return {
    targets: targets.filter(({ module }) => wanted(module)),
    matrices: new Map([...matrices].filter(([module]) => wanted(module))),
    ...(magnitudes && { magnitudes: new Map([...magnitudes].filter(([module]) => wanted(module))) }),
  };
}

async function blobOf(data: string | AsyncIterable<Uint8Array>): Promise<Blob> {
  if (typeof data === 'string') return new Blob([data]);
  const parts: BlobPart[] = [];
  for await (const part of data) parts.push(part.slice());
  return new Blob(parts);
}
