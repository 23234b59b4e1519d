/** How a synthesis stage runs and is rehearsed. */
import type { SynthesiseStage } from '../../../train/stages/synthesise.ts';
import { runSynthesise } from '../../../train/synthesis/synthesise.ts';
import { timeTwo, type StageHandler } from './handler.ts';

export const synthesise: StageHandler<SynthesiseStage> = {
  async run(stage, context) {
    const { rows, tried, thought } = await runSynthesise(stage, context);
    context.emit({ type: 'notice', message: `${thought} of ${tried} rows have a thought now.` });
    return { rows };
  },
  async rehearse(stage, desk) {
    const { each } = await timeTwo(stage, desk, runSynthesise);
    return { each, note: 'A thought ends when the model ends it. Rows that are asked again take longer.' };
  },
};
