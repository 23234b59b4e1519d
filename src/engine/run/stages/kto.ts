/** How a KTO stage runs and is rehearsed. */
import { runKto } from '../../../train/preferences/train.ts';
import type { KtoStage } from '../../../train/stages/kto.ts';
import { ownTargets } from './own-targets.ts';
import { timeTwo, type StageHandler } from './handler.ts';

export const kto: StageHandler<KtoStage> = {
  async run(stage, context) {
    await runKto(stage, context, context.answers);
    return {};
  },
  async rehearse(stage, desk) {
    const { each } = await timeTwo(stage, desk, async (two, context) =>
      runKto(two, context, await ownTargets(context, two.maxCompletionLength)),
    );
    return { each, note: 'Answers are taken to be as long as the longest target of the dataset.' };
  },
};
