/** How a merge stage runs. */
import type { MergeStage } from '../../../train/stages/merge.ts';
import type { StageHandler } from './handler.ts';

export const merge: StageHandler<MergeStage> = {
  async run(_, { policy, compiled }) {
    await compiled;
    await policy.merge();
    return {};
  },
  async rehearse(_, desk) {
    const { each } = await desk.once(() => desk.policy.merge());
    return { each, note: null };
  },
};
