/** How a DPO stage runs and is rehearsed. */
import { runDpo } from '../../../train/preferences/train.ts';
import type { DpoStage } from '../../../train/stages/dpo.ts';
import { ownTargets } from './own-targets.ts';
import { timeTwo, type StageHandler } from './handler.ts';

export const dpo: StageHandler<DpoStage> = {
  async run(stage, context) {
    await runDpo(stage, context, context.answers);
    return {};
  },
  async rehearse(stage, desk) {
    const { each } = await timeTwo(stage, desk, async (two, context) =>
      runDpo(two, context, await ownTargets(context, two.maxCompletionLength)),
    );
    return { each, note: 'Answers are taken to be as long as the longest target of the dataset.' };
  },
};
