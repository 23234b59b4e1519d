/** What the kinds of stages are called. */
import type { Stage } from '../../engine/protocol/index.ts';

export const KIND_NAMES: Record<Stage['kind'], string> = {
  sft: 'Supervised fine-tuning',
  merge: 'Merge',
  rejection: 'Rejection sampling',
  grpo: 'GRPO',
  evaluate: 'Evaluation',
};
