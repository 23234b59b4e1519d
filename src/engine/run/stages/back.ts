/** How a stage that goes back runs. */
import type { BackStage } from '../../../train/stages/back.ts';
import type { StageHandler } from './handler.ts';

export const back: StageHandler<BackStage> = {
  async run({ merges }, { policy, compiled, merged }) {
    await compiled;
    // What was folded in before the run is not the plan's to undo.
    await policy.back(policy.mergedAdapters.length - merged + merges);
    return {};
  },
  rehearse: () => Promise.resolve({ each: null, note: 'Merges that stay are folded in again.' }),
};
