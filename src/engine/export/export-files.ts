/** What an export consists of. */
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import type { MergedAdapter } from '../../train/merged-rows.ts';
import { nothingLearnt } from '../model/adapters.ts';
import type { ModelHolder } from '../model/model-holder.ts';
import type { ExportChoice, ExportObstacles } from '../protocol/export.ts';
import { EXPORT_FORMATS } from './formats/table.ts';

/**
 * The files of an export, each produced when it is read. Throws `adapter-missing` for an adapter before anything was
 * trained; a model is then that of the checkpoint. Throws `adapter-partial` for one that was read in part.
 */
export async function exportFiles(holder: ModelHolder, choice: ExportChoice): Promise<OutputFile[]> {
  const model = holder.require();
  const format = EXPORT_FORMATS[choice.what];
  const parts = await partsOf(holder, choice);
  holder.adapters.leaving(parts ?? []);
  return format.files(model, parts ?? (format.needsLearnt ? nothingLearnt() : []), choice);
}

/** Of each form what speaks against it, with what has been learnt so far. */
export async function exportObstacles(holder: ModelHolder): Promise<ExportObstacles> {
  const model = holder.require();
  const parts = (await partsOf(holder, {})) ?? [];
  const found = await Promise.all(
    Object.entries(EXPORT_FORMATS).map(async ([what, format]) => [what, await format.obstacles(model, parts)] as const),
  );
  return Object.fromEntries(found) as Record<ExportChoice['what'], readonly string[]>;
}

const partsOf = async (
  holder: ModelHolder,
  { adapter }: Pick<ExportChoice, 'adapter'>,
): Promise<readonly MergedAdapter[] | null> =>
  adapter === undefined ? holder.learnt() : [holder.adapters.adapter(adapter)];
