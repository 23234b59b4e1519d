/** How an SFT stage runs and is rehearsed. */
import { runSft } from '../../../train/sft.ts';
import type { SftStage } from '../../../train/stages/sft.ts';
import { timeTwo, type StageHandler } from './handler.ts';

export const sft: StageHandler<SftStage> = {
  async run(stage, context) {
    await runSft(stage, context);
    return {};
  },
  async rehearse(stage, desk) {
    const { each } = await timeTwo(stage, desk, runSft);
    return { each, note: 'Every row is taken to be as long as the longest.' };
  },
};
