/** How a GRPO stage runs and is rehearsed. */
import { runGrpo } from '../../../train/grpo.ts';
import type { GrpoStage } from '../../../train/stages/grpo.ts';
import { timeTwo, type StageHandler } from './handler.ts';

/** A coefficient that changes nothing but makes GRPO compute its KL term. */
const HARDLY = 1e-30;

export const grpo: StageHandler<GrpoStage> = {
  async run(stage, context) {
    await runGrpo(stage, context, context.rows);
    return {};
  },
  /**
   * Groups whose rewards are all equal skip the backward pass. If that befell the rehearsal, it is done again with a KL
   * term of no weight, which brings the pass back (and one forward pass more).
   */
  async rehearse(stage, desk) {
    const two = (beta: number) => {
      desk.policy.detach();
      return timeTwo({ ...stage, beta }, desk, (brief, context) => runGrpo(brief, context, context.rows));
    };
    const timed = await two(stage.beta);
    const idle = stage.beta === 0 && (timed.last['frac_reward_zero_std'] ?? 0) > 0;
    const { each, last } = idle ? await two(HARDLY) : timed;
    const length = Math.round(last['completions/mean_length'] ?? 0);
    const note = `Completions of ${length} tokens, as the model writes them now, for the longest prompt.`;
    return {
      each,
      note: idle ? `${note} All rewards of a group were equal, so a reference pass was added to get gradients.` : note,
    };
  },
};
