/** Every setting of a stage as data: its words, its name in TRL or PEFT, its bounds. */
import type { Stage } from '../../engine/protocol.ts';

export type Origin = 'TRL' | 'PEFT' | 'Groundwork';

interface Common {
  /** Place in the stage, e.g. `lora.r`. */
  readonly path: string;
  readonly label: string;
  readonly help: string;
  /** The counterpart's name and where it is from. */
  readonly name: string;
  readonly origin: Origin;
  readonly essential?: boolean;
}
export type Field =
  | (Common & { readonly kind: 'number'; readonly min: number; readonly max: number; readonly integer: boolean })
  | (Common & { readonly kind: 'flag' })
  | (Common & { readonly kind: 'list' })
  | (Common & { readonly kind: 'choice'; readonly choices: readonly string[] });

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly Field[];
}

const snake = (path: string) => path.split('.').at(-1)!.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
type Options = { essential?: boolean; name?: string; origin?: Origin };
const common = (path: string, label: string, help: string, { essential = false, name = snake(path), origin = 'TRL' }: Options): Common => ({ path, label, help, name, origin, essential });

const whole = (path: string, label: string, min: number, max: number, help: string, options: Options = {}): Field => ({ ...common(path, label, help, options), kind: 'number', min, max, integer: true });
const real = (path: string, label: string, min: number, max: number, help: string, options: Options = {}): Field => ({ ...common(path, label, help, options), kind: 'number', min, max, integer: false });
const flag = (path: string, label: string, help: string, options: Options = {}): Field => ({ ...common(path, label, help, options), kind: 'flag' });
const choice = (path: string, label: string, choices: readonly string[], help: string, options: Options = {}): Field => ({ ...common(path, label, help, options), kind: 'choice', choices });

const peft = { origin: 'PEFT' } as const;
const own = { origin: 'Groundwork' } as const;

const LORA: FieldGroup = {
  title: 'Adapter',
  fields: [
    whole('lora.r', 'Rank', 1, 512, 'Width of the low-rank update. Reinforcement needs little; 8 to 32 is usual.', { ...peft, essential: true }),
    real('lora.loraAlpha', 'Alpha', 0, 4096, 'The update is scaled by alpha / rank (or alpha / √rank with rsLoRA).', peft),
    real('lora.loraDropout', 'Dropout', 0, 0.9, 'Drops inputs of the adapter while training. Keep at 0 for reinforcement, where prompts are shared.', peft),
    flag('lora.useRslora', 'Rank-stabilised scale', 'Scale by alpha / √rank, which keeps high ranks trainable.', peft),
    { ...common('lora.targetModules', 'Target modules', 'Layers that get an adapter, by name ending; separate with commas, or write all-linear. Language layers only, so that vLLM can load it.', peft), kind: 'list' },
  ],
};

const OPTIMIZER: FieldGroup = {
  title: 'Optimizer (AdamW)',
  fields: [
    real('optimizer.learningRate', 'Learning rate', 0, 1, 'Peak learning rate. With LoRA about ten times that of full fine-tuning.', { essential: true }),
    choice('optimizer.lrSchedulerType', 'Schedule', ['linear', 'cosine', 'constant', 'constant_with_warmup'], 'How the rate falls after warm-up.'),
    real('optimizer.warmupRatio', 'Warm-up', 0, 1, 'Share of the steps in which the rate rises from 0.'),
    real('optimizer.weightDecay', 'Weight decay', 0, 1, 'Decoupled decay of the adapter weights.'),
    real('optimizer.maxGradNorm', 'Gradient clip', 0, 1e6, 'Longest allowed gradient; 0 is off.'),
    real('optimizer.adamBeta1', 'Beta 1', 0, 0.9999, 'Decay of the first moment.'),
    real('optimizer.adamBeta2', 'Beta 2', 0, 0.99999, 'Decay of the second moment.'),
    real('optimizer.adamEpsilon', 'Epsilon', 0, 1, 'Keeps the division finite.'),
  ],
};

const SAMPLING: FieldGroup = {
  title: 'Sampling',
  fields: [
    real('sampling.temperature', 'Temperature', 0, 5, 'Spread of the samples; 0 is greedy. It also divides the logits in training, as in TRL.', { essential: true }),
    whole('sampling.maxCompletionLength', 'Longest completion', 1, 8192, 'Tokens; longer completions are cut and count as truncated.', { essential: true }),
    whole('sampling.topK', 'Top k', 0, 100000, 'Sample among the k likeliest tokens; 0 is off.'),
    real('sampling.topP', 'Top p', 0, 1, 'Sample among the likeliest tokens that hold this share; 1 is off.'),
  ],
};

const checkpointing = flag('gradientCheckpointing', 'Recompute activations', 'Each layer is computed again in the backward pass: about a third more work, far less memory.');

const FIELDS: Record<Stage['kind'], readonly FieldGroup[]> = {
  evaluate: [
    {
      title: 'Evaluation',
      fields: [
        whole('limit', 'Held-out rows', 0, 1e6, 'At most this many; 0 takes all.', { ...own, essential: true }),
        whole('maxCompletionLength', 'Longest answer', 1, 8192, 'Tokens.', { essential: true }),
        whole('batchSize', 'Rows at once', 1, 256, 'Answered together.', { name: 'per_device_eval_batch_size' }),
      ],
    },
  ],
  sft: [
    {
      title: 'Training',
      fields: [
        whole('maxSteps', 'Steps', 0, 1e7, 'Optimizer steps; 0 lets the epochs decide.', { essential: true }),
        real('numTrainEpochs', 'Epochs', 0, 1000, 'Passes over the training rows, if steps is 0.', { essential: true }),
        whole('perDeviceTrainBatchSize', 'Rows at once', 1, 256, 'Packed into one forward pass.', { essential: true }),
        whole('gradientAccumulationSteps', 'Accumulate', 1, 1024, 'Passes summed before an optimizer step.'),
        whole('maxLength', 'Longest row', 16, 131072, 'Tokens. Longer rows are reported and left out, never cut: a cut image block trains nonsense.'),
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
        whole('limit', 'Prompts', 0, 1e7, 'Prompts to try; 0 takes all training rows.', { ...own, essential: true }),
        whole('numGenerations', 'Samples a prompt', 1, 256, 'More samples tell the success rate more finely.', { essential: true }),
        real('iouThreshold', 'Success from IoU', 0, 1, 'A sample succeeds at this IoU or above, in the right image.', { ...own, essential: true }),
        real('minSuccess', 'Too hard up to', 0, 1, 'Prompts with a success rate at or below this are set aside as too hard.', own),
        real('maxSuccess', 'Too easy from', 0, 1, 'Prompts with a success rate at or above this are set aside as too easy.', own),
        whole('batchSize', 'Prompts at once', 1, 256, 'Sampled together.', own),
      ],
    },
    SAMPLING,
  ],
  grpo: [
    {
      title: 'Training',
      fields: [
        whole('maxSteps', 'Steps', 1, 1e7, 'Optimizer steps.', { essential: true }),
        whole('promptsPerStep', 'Prompts a step', 1, 256, 'Groups in one optimizer step.', { ...own, essential: true }),
        whole('numGenerations', 'Group size', 2, 256, 'Completions of one prompt; the advantage compares them with each other.', { essential: true }),
        real('beta', 'KL coefficient', 0, 10, 'Pull towards the reference, which is the policy with its adapters off. 0 is off (the TRL default).', { essential: true }),
        choice('lossType', 'Loss', ['grpo', 'dapo', 'dr_grpo'], 'How token losses are averaged. grpo favours short completions; dapo and dr_grpo do not.'),
        real('epsilon', 'Clip below', 0, 1, 'Lower bound of the ratio is 1 − ε.'),
        real('epsilonHigh', 'Clip above', 0, 10, 'Upper bound of the ratio is 1 + ε. DAPO uses 0.28.'),
        whole('numIterations', 'Updates per rollout', 1, 64, 'μ: how often the same rollouts are used.'),
        choice('scaleRewards', 'Advantage scale', ['group', 'batch', 'none'], 'What the centred reward is divided by.'),
        flag('maskTruncatedCompletions', 'Leave out truncated', 'Truncated completions do not count in the loss.'),
        checkpointing,
      ],
    },
    {
      title: 'Rewards',
      fields: [
        real('rewardWeights.format', 'Format', 0, 100, 'Weight of: the answer has thought and answer in their tags.', { name: 'reward_weights[0]', essential: true }),
        real('rewardWeights.iou', 'Box overlap', 0, 100, 'Weight of: IoU with the solution; 0 in the wrong image.', { name: 'reward_weights[1]', essential: true }),
        real('rewardWeights.imageIndex', 'Right image', 0, 100, 'Weight of: the box names the right image.', { name: 'reward_weights[2]', essential: true }),
      ],
    },
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
