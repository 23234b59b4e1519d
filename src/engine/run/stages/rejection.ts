/** How a rejection sampling stage runs and is rehearsed. */
import { runRejection } from '../../../train/rejection.ts';
import type { RejectionStage } from '../../../train/stages/rejection.ts';
import { timeTwo, type StageHandler } from './handler.ts';

export const rejection: StageHandler<RejectionStage> = {
  async run(stage, context) {
    const { prompts, kept, answers } = await runRejection(stage, context);
    return {
      kept,
      ...(answers && { answers }),
      report: { type: 'selection', prompts: prompts.length, kept: kept.length },
    };
  },
  async rehearse(stage, desk) {
    const { each } = await timeTwo(stage, desk, runRejection);
    return { each, note: 'An answer ends when the model ends it.' };
  },
};
