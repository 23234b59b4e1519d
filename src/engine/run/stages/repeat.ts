/** How a repetition runs: its rounds are visits of the run (train/rounds.ts), so it only says which one is over. */
import type { RepeatStage } from '../../../train/stages/repeat.ts';
import type { StageHandler } from './handler.ts';

export const repeat: StageHandler<RepeatStage> = {
  async run({ numRounds }, { round, tell }) {
    tell({ type: 'notice', message: `Round ${round + 1} of ${numRounds} is done.` });
    return {};
  },
  rehearse: () => Promise.resolve({ each: null, note: 'Its stages are counted once a round.' }),
};
