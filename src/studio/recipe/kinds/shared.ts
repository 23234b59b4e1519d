/** Words for settings that several kinds of stage share. */
import { group } from './words.ts';

export const LORA = group('Adapter', {
  'lora.r': {
    label: 'Rank',
    help: 'Width of the low-rank update. 8 to 32 is usual. Reinforcement learning needs little.',
    essential: true,
  },
  'lora.loraAlpha': { label: 'Alpha', help: 'The update is scaled by alpha / rank (or alpha / √rank with rsLoRA).' },
  'lora.loraDropout': {
    label: 'Dropout',
    help: 'Drops inputs of the adapter during training. Keep it at 0 in reinforcement learning, where completions share their prompt.',
    unit: 'share',
  },
  'lora.useRslora': {
    label: 'Rank-stabilised scale',
    help: 'Scale by alpha / √rank, which keeps high ranks trainable.',
  },
  'lora.targetModules': {
    label: 'Target modules',
    help: 'Layers that get an adapter, by the end of their names. Separate them with commas, or write all-linear. Only language layers, so that vLLM can load the adapter.',
  },
});

export const OPTIMIZER = group('Optimizer (AdamW)', {
  'optimizer.learningRate': {
    label: 'Learning rate',
    help: 'Peak learning rate. LoRA needs about ten times the rate of full fine-tuning.',
    essential: true,
  },
  'optimizer.lrSchedulerType': { label: 'Schedule', help: 'How the rate falls after warm-up.' },
  'optimizer.warmupRatio': {
    label: 'Warm-up',
    help: 'Share of the steps in which the rate rises from 0. A longer warm-up is gentler on a new adapter. Before transformers 5 it was warmup_ratio.',
    unit: 'share',
  },
  'optimizer.weightDecay': {
    label: 'Weight decay',
    help: 'Decoupled decay of the adapter weights. It pulls them towards 0, and so the policy towards its start.',
  },
  'optimizer.maxGradNorm': {
    label: 'Gradient clip',
    help: 'Largest allowed gradient norm. 0 is off. A lower value limits spikes.',
  },
  'optimizer.adamBeta1': { label: 'Beta 1', help: 'Decay of the first moment.' },
  'optimizer.adamBeta2': { label: 'Beta 2', help: 'Decay of the second moment.' },
  'optimizer.adamEpsilon': { label: 'Epsilon', help: 'Avoids a division by zero.' },
});

export const SAMPLING = group('Sampling', {
  'sampling.temperature': {
    label: 'Temperature',
    help: 'Spread of the samples. 0 is greedy. It also divides the logits in training, as in TRL.',
    essential: true,
  },
  'sampling.maxCompletionLength': {
    label: 'Longest completion',
    help: 'Longer completions are truncated. Memory is used only for tokens that are generated.',
    essential: true,
    unit: 'tokens',
  },
  'sampling.topK': { label: 'Top k', help: 'Sample among the k most likely tokens. 0 is off.', unit: 'tokens' },
  'sampling.topP': {
    label: 'Top p',
    help: 'Sample among the most likely tokens that together have this probability. 1 is off.',
    unit: 'share',
  },
});

export const CHECKPOINTING = {
  gradientCheckpointing: {
    label: 'Recompute activations',
    help: 'Computes each layer again in the backward pass. Takes about a third more work and far less memory.',
  },
} as const;
