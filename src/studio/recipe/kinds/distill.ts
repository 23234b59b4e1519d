/** A self-distillation stage in the studio: its words and fields. */
import type { DistillStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { HELDOUT } from './heldout-words.ts';
import { CHECKPOINTING, LORA, OPTIMIZER, SAMPLING } from './shared.ts';
import { group, small, type KindWords } from './words.ts';

export const distill: KindWords<DistillStage> = {
  name: 'Self-distillation (SDFT)',
  sentence: (stage) =>
    `${plural(stage.maxSteps, 'step')} of ${plural(stage.promptsPerStep, 'prompt')} × ${plural(stage.numGenerations, 'completion')}, each token compared with what the model would say if it were told ${stage.privilegedContext === 'truth' ? 'the right answer' : 'another right answer'}: alpha ${stage.distillationAlpha}, learning rate ${small(stage.optimizer.learningRate)}.`,
  settings: {
    ...group('Training', {
      maxSteps: { label: 'Steps', help: 'Optimizer steps.', essential: true, unit: 'steps' },
      promptsPerStep: {
        label: 'Prompts per step',
        help: 'Prompts in one optimizer step. More steady the gradient and make each step longer.',
        essential: true,
        unit: 'prompts',
      },
      numGenerations: {
        label: 'Group size',
        help: 'Completions of one prompt. Each of its tokens is learned from, so 1 is enough where the truth is told.',
        essential: true,
        unit: 'completions',
      },
      numIterations: {
        label: 'Updates per rollout',
        help: 'How often the same completions are used. From the second update on, tokens are weighed by the policy ratio.',
        unit: 'updates',
      },
      ...CHECKPOINTING,
    }),
    ...group('Teacher', {
      privilegedContext: {
        label: 'What the teacher is told',
        help: 'truth: the row’s right answer (SDFT). success: another answer of the group that is right (SDPO); completions without one are not learned from.',
        essential: true,
      },
      teacherModelKind: {
        label: 'Teacher’s weights',
        help: 'base: the model with its adapter off. live: the model as it now is. ema: a moving average of the adapter, which begins at the base.',
        essential: true,
      },
      iouThreshold: {
        label: 'Right from IoU',
        help: 'A completion is right at this overlap or above, in the right picture. Needed for “success”, and counted for both.',
        unit: 'IoU',
      },
      teacherUpdateRate: {
        label: 'Update rate of the average',
        help: 'Share of the policy that goes into the average at an update. For ema only.',
        unit: 'share',
      },
      teacherSyncSteps: {
        label: 'Steps between updates',
        help: 'The average is updated after so many optimizer steps. For ema only.',
        unit: 'steps',
      },
    }),
    ...group('Loss', {
      distillationAlpha: {
        label: 'Alpha',
        help: '0: forward KL, which covers all that the teacher might say. 1: reverse KL, which keeps to what it says most. Between: Jensen-Shannon.',
        essential: true,
      },
      distillationMode: {
        label: 'Compared by',
        help: 'topk_logits: the likeliest tokens at each place. full_logits: the whole vocabulary, which takes much memory. sampled_token: the drawn token alone, with alpha 1.',
      },
      distillationTopk: {
        label: 'Likeliest tokens',
        help: 'How many of the policy’s likeliest tokens are compared at each place. For topk_logits only.',
        unit: 'tokens',
      },
      distillationAddTail: {
        label: 'Count the rest',
        help: 'All other tokens count as one more. Off: the likeliest tokens are scaled to sum to 1.',
      },
      distillationIsClip: {
        label: 'Cap of the ratio',
        help: 'The most that a token may weigh whose policy has moved since it was drawn. 0 does not weigh. For several updates only.',
      },
      numLossTokensToSkip: {
        label: 'Skipped tokens',
        help: 'First tokens of each completion that are not learned from. A teacher that was told more may begin in another way.',
        unit: 'tokens',
      },
    }),
    ...SAMPLING,
    ...HELDOUT,
    ...LORA,
    ...OPTIMIZER,
  },
  views: [],
};
