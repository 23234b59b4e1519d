/** What an export consists of. */
import { combine } from '../../train/combine.ts';
import { adapterFiles, mergedFiles, shardNames, type OutputFile } from '../../train/export.ts';
import { nothingLearnt } from '../model/adapters.ts';
import type { ModelHolder } from '../model/model-holder.ts';
import type { ExportChoice } from '../protocol/export.ts';

/**
 * The files of an export, each produced when it is read. Throws `adapter-missing` for an adapter before anything was
 * trained; merged weights are then those of the checkpoint.
 */
export async function exportFiles(holder: ModelHolder, { what, adapter, style }: ExportChoice): Promise<OutputFile[]> {
  const { folder, checkpoint, model, architecture, name } = holder.require();
  const parts = adapter === undefined ? await holder.learnt() : [holder.adapters.adapter(adapter)];
  if (what === 'adapter') return adapterFiles(combine(parts ?? nothingLearnt()), model.linears, name, style);
  const canonical = (key: string) => architecture.canonicalName(key);
  return mergedFiles(folder, checkpoint, await shardNames(folder), parts ?? [], canonical);
}
