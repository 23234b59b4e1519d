/** What an export consists of. */
import { combine } from '../../train/combine.ts';
import { shardNames, type OutputFile } from '../../train/checkpoint-folder.ts';
import { adapterFiles, mergedFiles } from '../../train/export.ts';
import { nothingLearnt } from '../model/adapters.ts';
import type { ModelHolder } from '../model/model-holder.ts';
import type { ExportChoice } from '../protocol/export.ts';

/**
 * The files of an export, each produced when it is read. Throws `adapter-missing` for an adapter before anything was
 * trained; merged weights are then those of the checkpoint. Throws `adapter-partial` for one that was read in part.
 */
export async function exportFiles(holder: ModelHolder, { what, adapter, style }: ExportChoice): Promise<OutputFile[]> {
  const { folder, checkpoint, model, architecture, name } = holder.require();
  const parts = adapter === undefined ? await holder.learnt() : [holder.adapters.adapter(adapter)];
  holder.adapters.leaving(parts ?? []);
  if (what === 'adapter') return adapterFiles(combine(parts ?? nothingLearnt()), model.linears, name, style);
  return mergedFiles(folder, checkpoint, await shardNames(folder), parts ?? [], architecture);
}
