/** What an export consists of. */
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import { DEFAULT_PRECISION, PRECISIONS } from '../../train/gguf/precisions.ts';
import { folderUnder, type PictureBudget } from '../../models/picture-budget.ts';
import type { MergedAdapter } from '../../train/merged-rows.ts';
import { nothingLearnt } from '../model/adapters.ts';
import type { ModelHolder, NamedModel } from '../model/model-holder.ts';
import type { ExportChoice, ExportObstacles } from '../protocol/export.ts';
import { modelCard, type LearntIn } from './model-card.ts';
import { EXPORT_FORMATS } from './formats/table.ts';

/** The card of what is exported; one that the base's folder has is replaced by it. */
const CARD = 'README.md';

/**
 * The files of an export with its card, each produced when it is read. Throws `adapter-missing` for an adapter before
 * anything was trained; a model is then that of the checkpoint. Throws `adapter-partial` for one that was read in part.
 * @param run that it was learnt in, where it is known
 */
export async function exportFiles(
  holder: ModelHolder,
  choice: ExportChoice,
  run: LearntIn | null,
): Promise<OutputFile[]> {
  const model = await modelUnder(holder, run ? (run.record.recipe.pictures ?? null) : budgetLearntUnder(holder));
  const format = EXPORT_FORMATS[choice.what];
  const parts = await partsOf(holder, choice);
  holder.adapters.leaving(parts ?? []);
  const learnt = parts ?? (format.needsLearnt ? nothingLearnt() : []);
  const { files, leftOut = [] } = await format.files(model, learnt, choice);
  const { precision = DEFAULT_PRECISION } = choice;
  const card = await modelCard({
    kind: choice.what,
    model,
    learnt: learnt.length > 0,
    run,
    precision,
    tower: PRECISIONS[precision].tower.toLowerCase(),
    leftOut,
  });
  return [...files.filter(({ path }) => path !== CARD), { path: CARD, data: card }];
}

/** Of the run in view; a stack's adapters do not say under which they were learnt. */
const budgetLearntUnder = ({ adapters, bench }: ModelHolder): PictureBudget | null =>
  adapters.inUse ? null : (bench?.budget ?? null);

/** The model as whoever loads what is written will see pictures with it: as it learnt them. */
async function modelUnder(holder: ModelHolder, budget: PictureBudget | null): Promise<NamedModel> {
  const model = holder.require();
  if (budget === null) return model;
  const processor = model.processor.under(budget);
  return { ...model, processor, folder: await folderUnder(model.folder, processor) };
}

/** Of each form what speaks against it, with what has been learnt so far. */
export async function exportObstacles(holder: ModelHolder): Promise<ExportObstacles> {
  const model = await modelUnder(holder, budgetLearntUnder(holder));
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
