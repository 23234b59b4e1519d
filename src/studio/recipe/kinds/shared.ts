/** Words for settings that several kinds of stage share. */
import { group } from './words.ts';

export const LORA = group('Adapter', {
  'lora.r': {
    label: 'Rank',
    help: 'Width of the low-rank update. Reinforcement needs little; 8 to 32 is usual.',
    essential: true,
  },
  'lora.loraAlpha': { label: 'Alpha', help: 'The update is scaled by alpha / rank (or alpha / √rank with rsLoRA).' },
  'lora.loraDropout': {
    label: 'Dropout',
    help: 'Drops inputs of the adapter while training. Keep at 0 for reinforcement, where prompts are shared.',
    unit: 'share',
  },
  'lora.useRslora': {
    label: 'Rank-stabilised scale',
    help: 'Scale by alpha / √rank, which keeps high ranks trainable.',
  },
  'lora.targetModules': {
    label: 'Target modules',
    help: 'Layers that get an adapter, by name ending; separate with commas, or write all-linear. Language layers only, so that vLLM can load it.',
  },
});

export const OPTIMIZER = group('Optimizer (AdamW)', {
  'optimizer.learningRate': {
    label: 'Learning rate',
    help: 'Peak learning rate. With LoRA about ten times that of full fine-tuning.',
    essential: true,
  },
  'optimizer.lrSchedulerType': { label: 'Schedule', help: 'How the rate falls after warm-up.' },
  'optimizer.warmupRatio': {
    label: 'Warm-up',
    help: 'Share of the steps in which the rate rises from 0. Longer is gentler on a fresh adapter. Before transformers 5 it was warmup_ratio.',
    unit: 'share',
  },
  'optimizer.weightDecay': {
    label: 'Weight decay',
    help: 'Decoupled decay of the adapter weights: pulls them towards 0, and the policy towards where it was.',
  },
  'optimizer.maxGradNorm': {
    label: 'Gradient clip',
    help: 'Longest allowed gradient; 0 is off. A tighter clip tames spikes.',
  },
  'optimizer.adamBeta1': { label: 'Beta 1', help: 'Decay of the first moment.' },
  'optimizer.adamBeta2': { label: 'Beta 2', help: 'Decay of the second moment.' },
  'optimizer.adamEpsilon': { label: 'Epsilon', help: 'Keeps the division finite.' },
});

export const SAMPLING = group('Sampling', {
  'sampling.temperature': {
    label: 'Temperature',
    help: 'Spread of the samples; 0 is greedy. It also divides the logits in training, as in TRL.',
    essential: true,
  },
  'sampling.maxCompletionLength': {
    label: 'Longest completion',
    help: 'Longer completions are cut and count as truncated. Memory is used only for tokens that are generated.',
    essential: true,
    unit: 'tokens',
  },
  'sampling.topK': { label: 'Top k', help: 'Sample among the k likeliest tokens; 0 is off.', unit: 'tokens' },
  'sampling.topP': {
    label: 'Top p',
    help: 'Sample among the likeliest tokens that hold this share; 1 is off.',
    unit: 'share',
  },
});

export const CHECKPOINTING = {
  gradientCheckpointing: {
    label: 'Recompute activations',
    help: 'Each layer is computed again in the backward pass: about a third more work, far less memory.',
  },
} as const;
