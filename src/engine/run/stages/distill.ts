/** How a self-distillation stage runs and is rehearsed. */
import { runDistill } from '../../../train/distillation/distill.ts';
import type { DistillStage } from '../../../train/stages/distill.ts';
import { timeTwo, type StageHandler } from './handler.ts';

export const distill: StageHandler<DistillStage> = {
  async run(stage, context) {
    await runDistill(stage, context, context.rows);
    return {};
  },
  /** Every completion gets a teacher, as where all groups have right answers. */
  async rehearse(stage, desk) {
    const { each, last } = await timeTwo({ ...stage, privilegedContext: 'truth' }, desk, (two, context) =>
      runDistill(two, context, context.rows),
    );
    const length = Math.round(last['completions/mean_length'] ?? 0);
    return { each, note: `Completions of ${length} tokens, as the model writes them now, for the longest prompt.` };
  },
};
