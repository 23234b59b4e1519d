/** How an SFT stage runs and is rehearsed. */
import { runSft } from '../../../train/sft.ts';
import type { SftStage } from '../../../train/stages/sft.ts';
import { timeTwo, type StageHandler } from './handler.ts';

/** A forward pass without gradients, as a part of a step on as many rows. */
const FORWARD = 1 / 3;

export const sft: StageHandler<SftStage> = {
  async run(stage, context) {
    await runSft(stage, context);
    return {};
  },
  async rehearse(stage, desk) {
    const { each } = await timeTwo(stage, desk, runSft);
    const note = 'Every row is taken to be as long as the longest.';
    const { evalSteps, evalRows, perDeviceTrainBatchSize: size, gradientAccumulationSteps: passes } = stage;
    if (evalSteps === 0 || each === null) return { each, note };
    if (evalRows === 0) return { each, note: `${note} The loss on all held-out rows comes on top.` };
    const share = (FORWARD * evalRows) / (size * passes * evalSteps);
    return { each: each * (1 + share), note: `${note} A held-out row is taken to cost a third of a training row.` };
  },
};
