/**
 * Is "nothing" said where nothing is there, and only there? On rows whose answer is that the thing is absent: 1 for a
 * refusal without boxes, else 0. On rows with boxes: −1 for a refusal, else 0, so that refusing everything does not pay
 * (RC-GRPO, arXiv 2608.04698, punishes over-refusal too). null for rows of other kinds.
 */
import { defineReward } from './reward.ts';
import { saysNothing } from './right.ts';

export const refusal = defineReward({
  name: 'refusal',
  label: 'Refusal',
  summary: '1 when “nothing” is said where nothing is there, −1 when it is said where something is, else 0.',
  subject: 'pictures',
  range: [-1, 1],
  weight: 0,
  score: ({ answer }, row) => {
    const said = saysNothing(answer);
    if (row.solution.length > 0) return said ? -1 : 0;
    return row.wanted?.kind === 'nothing' ? Number(said) : null;
  },
});
