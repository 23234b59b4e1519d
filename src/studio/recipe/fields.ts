/** Every setting of a stage as data: its words, its name in TRL or PEFT, its bounds. */
import type { Stage } from '../../engine/protocol/index.ts';
import { checkpointing, choice, flag, LORA, OPTIMIZER, own, real, SAMPLING, whole, type FieldGroup } from './field.ts';

import { REWARD_FIELDS } from './reward-fields.ts';

export type { Field, FieldGroup } from './field.ts';

const FIELDS: Record<Stage['kind'], readonly FieldGroup[]> = {
  evaluate: [
    {
      title: 'Evaluation',
      fields: [
        whole(
          'limit',
          'Held-out rows',
          0,
          1e6,
          'At most this many; 0 takes all. More rows narrow the interval of the result, and take longer.',
          {
            ...own,
            essential: true,
            unit: 'rows',
          },
        ),
        whole(
          'maxCompletionLength',
          'Longest answer',
          1,
          8192,
          'Longer answers are cut, and a cut answer has seldom a box.',
          {
            essential: true,
            unit: 'tokens',
          },
        ),
        whole(
          'batchSize',
          'Rows at once',
          1,
          256,
          'Answered together. More is faster and takes more memory; the answers stay the same.',
          {
            name: 'per_device_eval_batch_size',
            unit: 'rows',
          },
        ),
      ],
    },
  ],
  sft: [
    {
      title: 'Training',
      fields: [
        whole(
          'maxSteps',
          'Steps',
          0,
          1e7,
          'Optimizer steps; 0 lets the epochs decide. More learn the answers better, in the end by heart.',
          {
            essential: true,
            unit: 'steps',
          },
        ),
        real('numTrainEpochs', 'Epochs', 0, 1000, 'Passes over the training rows, if steps is 0.', {
          essential: true,
          unit: 'epochs',
        }),
        whole(
          'perDeviceTrainBatchSize',
          'Rows at once',
          1,
          256,
          'Packed into one forward pass. More smooth the gradient and take more memory.',
          {
            essential: true,
            unit: 'rows',
          },
        ),
        whole(
          'gradientAccumulationSteps',
          'Accumulate',
          1,
          1024,
          'Passes summed before an optimizer step: the effect of more rows at once without their memory.',
          {
            unit: 'passes',
          },
        ),
        whole(
          'maxLength',
          'Longest row',
          16,
          131072,
          'Longer rows are reported and left out, never cut: a cut image block trains nonsense.',
          { unit: 'tokens' },
        ),
        checkpointing,
      ],
    },
    LORA,
    OPTIMIZER,
  ],
  merge: [],
  rejection: [
    {
      title: 'Selection',
      fields: [
        whole(
          'limit',
          'Prompts',
          0,
          1e7,
          'Prompts to try; 0 takes all training rows. More find more to learn from, and take longer.',
          {
            ...own,
            essential: true,
            unit: 'prompts',
          },
        ),
        whole('numGenerations', 'Samples a prompt', 1, 256, 'More samples tell the success rate more finely.', {
          essential: true,
          unit: 'samples',
        }),
        real(
          'iouThreshold',
          'Success from IoU',
          0,
          1,
          'A sample succeeds at this IoU or above, in the right image. Higher keeps harder prompts.',
          {
            ...own,
            unit: 'IoU',
            essential: true,
          },
        ),
        real(
          'minSuccess',
          'Too hard up to',
          0,
          1,
          'Prompts with a success rate at or below this are set aside as too hard.',
          { ...own, unit: 'share' },
        ),
        real(
          'maxSuccess',
          'Too easy from',
          0,
          1,
          'Prompts with a success rate at or above this are set aside as too easy.',
          { ...own, unit: 'share' },
        ),
        whole('batchSize', 'Prompts at once', 1, 256, 'Sampled together. More is faster and takes more memory.', {
          ...own,
          unit: 'prompts',
        }),
      ],
    },
    SAMPLING,
  ],
  grpo: [
    {
      title: 'Training',
      fields: [
        whole(
          'maxSteps',
          'Steps',
          1,
          1e7,
          'Optimizer steps. Watch reward and entropy: when they stand still, more do nothing.',
          {
            essential: true,
            unit: 'steps',
          },
        ),
        whole(
          'promptsPerStep',
          'Prompts a step',
          1,
          256,
          'Groups in one optimizer step. More steady the gradient, and each step takes longer.',
          {
            ...own,
            essential: true,
            unit: 'groups',
          },
        ),
        whole(
          'numGenerations',
          'Group size',
          2,
          256,
          'Completions of one prompt; the advantage compares them with each other. More tell good from lucky.',
          { essential: true, unit: 'completions' },
        ),
        real(
          'beta',
          'KL coefficient',
          0,
          10,
          'Pull towards the reference, which is the policy with its adapters off. 0 is off (the TRL default).',
          { essential: true },
        ),
        flag(
          'useBiasCorrectionKl',
          'Correct the KL',
          'Weights the KL term by the policy ratio, so that its gradient is that of the KL itself when rollouts are used more than once.',
        ),
        real(
          'entropyCoef',
          'Entropy bonus',
          0,
          1,
          'Rewards the policy for staying undecided. Where entropy collapses, 0.001 to 0.01 keep it up; more make answers random.',
          own,
        ),
        choice(
          'lossType',
          'Loss',
          ['grpo', 'dapo', 'dr_grpo'],
          'How token losses are averaged. grpo favours short completions; dapo and dr_grpo do not.',
        ),
        real('epsilon', 'Clip below', 0, 1, 'Lower bound of the ratio is 1 − ε. Smaller steps are safer and slower.'),
        real(
          'epsilonHigh',
          'Clip above',
          0,
          10,
          'Upper bound of the ratio is 1 + ε. DAPO uses 0.28: room for rare tokens keeps the entropy up.',
        ),
        whole(
          'numIterations',
          'Updates per rollout',
          1,
          64,
          'μ: how often the same rollouts are used. More save sampling, and drift from the policy that sampled.',
          {
            unit: 'updates',
          },
        ),
        choice(
          'scaleRewards',
          'Advantage scale',
          ['group', 'batch', 'none'],
          'What the centred reward is divided by. group: its own deviation, so that every group pulls alike; none: as large as it is.',
        ),
        flag(
          'maskTruncatedCompletions',
          'Leave out truncated',
          'Truncated completions do not count in the loss: what was cut is not blamed.',
        ),
        checkpointing,
      ],
    },
    REWARD_FIELDS,
    SAMPLING,
    LORA,
    OPTIMIZER,
  ],
};

export const fieldsOf = (kind: Stage['kind']): readonly FieldGroup[] => FIELDS[kind];

export function getAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
}

/** A copy with the value at `path` replaced. */
export function setAt<T>(value: T, path: string, next: unknown): T {
  const [head, ...rest] = path.split('.') as [string, ...string[]];
  const inner = rest.length > 0 ? setAt((value as Record<string, unknown>)[head], rest.join('.'), next) : next;
  return { ...value, [head]: inner };
}
