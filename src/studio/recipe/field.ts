/** What a setting is, and the groups of settings that several kinds of stage share. */
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
  /** What it counts: tokens, steps, a share. */
  readonly unit?: string;
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

const snake = (path: string) =>
  path
    .split('.')
    .at(-1)!
    .replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
type Options = { essential?: boolean; name?: string; origin?: Origin; unit?: string };
const common = (
  path: string,
  label: string,
  help: string,
  { essential = false, name = snake(path), origin = 'TRL', unit }: Options,
): Common => ({ path, label, help, name, origin, essential, ...(unit !== undefined && { unit }) });

export const whole = (
  path: string,
  label: string,
  min: number,
  max: number,
  help: string,
  options: Options = {},
): Field => ({
  ...common(path, label, help, options),
  kind: 'number',
  min,
  max,
  integer: true,
});
export const real = (
  path: string,
  label: string,
  min: number,
  max: number,
  help: string,
  options: Options = {},
): Field => ({
  ...common(path, label, help, options),
  kind: 'number',
  min,
  max,
  integer: false,
});
export const flag = (path: string, label: string, help: string, options: Options = {}): Field => ({
  ...common(path, label, help, options),
  kind: 'flag',
});
export const choice = (
  path: string,
  label: string,
  choices: readonly string[],
  help: string,
  options: Options = {},
): Field => ({ ...common(path, label, help, options), kind: 'choice', choices });

const peft = { origin: 'PEFT' } as const;
export const own = { origin: 'Groundwork' } as const;

export const LORA: FieldGroup = {
  title: 'Adapter',
  fields: [
    whole('lora.r', 'Rank', 1, 512, 'Width of the low-rank update. Reinforcement needs little; 8 to 32 is usual.', {
      ...peft,
      essential: true,
    }),
    real(
      'lora.loraAlpha',
      'Alpha',
      0,
      4096,
      'The update is scaled by alpha / rank (or alpha / √rank with rsLoRA).',
      peft,
    ),
    real(
      'lora.loraDropout',
      'Dropout',
      0,
      0.9,
      'Drops inputs of the adapter while training. Keep at 0 for reinforcement, where prompts are shared.',
      { ...peft, unit: 'share' },
    ),
    flag('lora.useRslora', 'Rank-stabilised scale', 'Scale by alpha / √rank, which keeps high ranks trainable.', peft),
    {
      ...common(
        'lora.targetModules',
        'Target modules',
        'Layers that get an adapter, by name ending; separate with commas, or write all-linear. Language layers only, so that vLLM can load it.',
        peft,
      ),
      kind: 'list',
    },
  ],
};

export const OPTIMIZER: FieldGroup = {
  title: 'Optimizer (AdamW)',
  fields: [
    real(
      'optimizer.learningRate',
      'Learning rate',
      0,
      1,
      'Peak learning rate. With LoRA about ten times that of full fine-tuning.',
      { essential: true },
    ),
    choice(
      'optimizer.lrSchedulerType',
      'Schedule',
      ['linear', 'cosine', 'constant', 'constant_with_warmup'],
      'How the rate falls after warm-up.',
    ),
    real(
      'optimizer.warmupRatio',
      'Warm-up',
      0,
      1,
      'Share of the steps in which the rate rises from 0. Longer is gentler on a fresh adapter. Before transformers 5 it was warmup_ratio.',
      { name: 'warmup_steps', unit: 'share' },
    ),
    real(
      'optimizer.weightDecay',
      'Weight decay',
      0,
      1,
      'Decoupled decay of the adapter weights: pulls them towards 0, and the policy towards where it was.',
    ),
    real(
      'optimizer.maxGradNorm',
      'Gradient clip',
      0,
      1e6,
      'Longest allowed gradient; 0 is off. A tighter clip tames spikes.',
    ),
    real('optimizer.adamBeta1', 'Beta 1', 0, 0.9999, 'Decay of the first moment.'),
    real('optimizer.adamBeta2', 'Beta 2', 0, 0.99999, 'Decay of the second moment.'),
    real('optimizer.adamEpsilon', 'Epsilon', 0, 1, 'Keeps the division finite.'),
  ],
};

export const SAMPLING: FieldGroup = {
  title: 'Sampling',
  fields: [
    real(
      'sampling.temperature',
      'Temperature',
      0,
      5,
      'Spread of the samples; 0 is greedy. It also divides the logits in training, as in TRL.',
      { essential: true },
    ),
    whole(
      'sampling.maxCompletionLength',
      'Longest completion',
      1,
      8192,
      'Longer completions are cut and count as truncated. Room costs memory only where it is used.',
      { essential: true, unit: 'tokens' },
    ),
    whole('sampling.topK', 'Top k', 0, 100000, 'Sample among the k likeliest tokens; 0 is off.', { unit: 'tokens' }),
    real('sampling.topP', 'Top p', 0, 1, 'Sample among the likeliest tokens that hold this share; 1 is off.', {
      unit: 'share',
    }),
  ],
};

export const checkpointing = flag(
  'gradientCheckpointing',
  'Recompute activations',
  'Each layer is computed again in the backward pass: about a third more work, far less memory.',
);
