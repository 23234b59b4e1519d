/** Before a stage's first step, all kernels it will need are compiled at once, with progress. */
import { spread, type RowList } from '../../data/row-list.ts';
import type { OnCompiled } from '../../gpu/pipeline.ts';
import { askForKernels, longestRow } from '../../train/memory-plan.ts';
import type { Stage } from '../../train/recipe.ts';
import type { Workbench } from '../model/workbench.ts';

/** Rows whose lengths stand for all: kernels hardly depend on them. */
const ROWS = 8;

/**
 * Failures are left to the stage itself, which tells more.
 * @param list the split that the stage reads
 */
export async function warmStage(
  { loaded, samples, processor }: Workbench,
  stage: Stage,
  list: RowList,
  onCompiled: OnCompiled,
): Promise<void> {
  const { session } = loaded.model;
  try {
    const rows = await spread(list, ROWS);
    const longest = longestRow(await samples.encode(rows), processor);
    const { architecture, dtype } = loaded;
    const request = { architecture, recipe: { stages: [stage] }, longest, gpu: session.gpu, dtype };
    session.kernels.ahead(() => askForKernels(session.kernels, request));
  } catch {
    return;
  }
  await session.kernels.ready(onCompiled);
}
