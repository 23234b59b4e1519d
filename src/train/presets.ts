/**
 * Recipes to start from, as data. The pipeline is that of arXiv 2507.00748: chain-of-thought cold start by SFT, merge,
 * rejection sampling with the merged model, rule-based RL. The paper states the order and the model (Qwen2.5-VL-7B);
 * its hyper-parameters, reward coefficients and sample counts are not public, and `unverified` says which of ours are
 * therefore taken from its relatives.
 */
import { evaluate, grpo, lora, merge, optimizer, rejection, sft } from './presets-stages.ts';
import type { Recipe } from './recipe.ts';

export type PresetName = 'demo' | 'demo-quick' | 'paper' | 'careful' | 'quick';

export interface Preset {
  readonly recipe: Recipe;
  /** One line for the user. */
  readonly summary: string;
  /** `starter`: the small model that comes with the house. `pretrained`: a model from the Hub. */
  readonly model: 'starter' | 'pretrained';
  /** Settings that follow no published source for this pipeline, and where they come from instead. */
  readonly unverified: readonly string[];
}

const demo: Recipe = {
  name: 'demo',
  seed: 1,
  stages: [
    evaluate('base', 0, 96, 16),
    sft({
      lora: lora(16, 32),
      optimizer: optimizer(2e-3, 0.05),
      maxSteps: 0,
      numTrainEpochs: 2,
      perDeviceTrainBatchSize: 8,
      gradientAccumulationSteps: 1,
      maxLength: 1024,
      gradientCheckpointing: false,
    }),
    evaluate('sft', 0, 96, 16),
    merge,
    rejection(160, 8, 96, 4),
    grpo({
      lora: lora(16, 32),
      optimizer: optimizer(5e-4, 0.05, 'constant_with_warmup'),
      maxSteps: 45,
      promptsPerStep: 4,
      numGenerations: 8,
      maxCompletionLength: 96,
      beta: 0.01,
    }),
    evaluate('grpo', 0, 96, 16),
  ],
};

const demoQuick: Recipe = {
  name: 'demo-quick',
  seed: 1,
  stages: [
    evaluate('base', 16, 96, 16),
    sft({
      lora: lora(16, 32),
      optimizer: optimizer(2e-3, 0.1),
      maxSteps: 12,
      numTrainEpochs: 1,
      perDeviceTrainBatchSize: 4,
      gradientAccumulationSteps: 1,
      maxLength: 1024,
      gradientCheckpointing: false,
    }),
    evaluate('sft', 16, 96, 16),
    merge,
    rejection(8, 4, 96, 4),
    grpo({
      lora: lora(16, 32),
      optimizer: optimizer(5e-4, 0, 'constant'),
      maxSteps: 3,
      promptsPerStep: 2,
      numGenerations: 4,
      maxCompletionLength: 96,
      beta: 0.01,
    }),
    evaluate('grpo', 16, 96, 16),
  ],
};

const paper: Recipe = {
  name: 'paper',
  seed: 42,
  stages: [
    evaluate('base', 500, 512, 4),
    sft({
      lora: lora(64, 128, 0.05),
      optimizer: optimizer(1e-4, 0.03),
      maxSteps: 0,
      numTrainEpochs: 1,
      perDeviceTrainBatchSize: 1,
      gradientAccumulationSteps: 16,
      maxLength: 6000,
      gradientCheckpointing: true,
    }),
    evaluate('sft', 500, 512, 4),
    merge,
    rejection(0, 8, 512, 1),
    grpo({
      lora: lora(64, 128),
      optimizer: optimizer(1e-5, 0, 'linear'),
      maxSteps: 500,
      promptsPerStep: 8,
      numGenerations: 8,
      maxCompletionLength: 512,
      lossType: 'grpo',
      epsilonHigh: 0.2,
      gradientCheckpointing: true,
    }),
    evaluate('grpo', 500, 512, 4),
  ],
};

const careful: Recipe = {
  name: 'careful',
  seed: 42,
  stages: [
    evaluate('base', 200, 384, 4),
    sft({
      lora: lora(16, 32, 0.05),
      optimizer: optimizer(5e-5, 0.1),
      maxSteps: 0,
      numTrainEpochs: 1,
      perDeviceTrainBatchSize: 1,
      gradientAccumulationSteps: 8,
      maxLength: 4096,
      gradientCheckpointing: true,
    }),
    evaluate('sft', 200, 384, 4),
    merge,
    rejection(400, 8, 384, 1),
    grpo({
      lora: lora(16, 32),
      optimizer: optimizer(5e-6, 0.1, 'constant_with_warmup'),
      maxSteps: 200,
      promptsPerStep: 4,
      numGenerations: 8,
      maxCompletionLength: 384,
      gradientCheckpointing: true,
      maskTruncatedCompletions: true,
    }),
    evaluate('grpo', 200, 384, 4),
  ],
};

const quick: Recipe = {
  name: 'quick',
  seed: 42,
  stages: [
    evaluate('base', 32, 256, 4),
    sft({
      lora: lora(8, 16),
      optimizer: optimizer(2e-4, 0.1),
      maxSteps: 30,
      numTrainEpochs: 1,
      perDeviceTrainBatchSize: 1,
      gradientAccumulationSteps: 4,
      maxLength: 2048,
      gradientCheckpointing: true,
    }),
    evaluate('sft', 32, 256, 4),
    merge,
    rejection(32, 4, 256, 1),
    grpo({
      lora: lora(8, 16),
      optimizer: optimizer(1e-5, 0, 'constant'),
      maxSteps: 20,
      promptsPerStep: 1,
      numGenerations: 4,
      maxCompletionLength: 256,
      gradientCheckpointing: true,
    }),
    evaluate('grpo', 32, 256, 4),
  ],
};

const OURS = 'all values: our choice, not from a publication';

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  demo: {
    recipe: demo,
    model: 'starter',
    summary: 'The whole pipeline on the starter model and the sample dataset.',
    unverified: [OURS],
  },
  'demo-quick': {
    recipe: demoQuick,
    model: 'starter',
    summary: 'Every stage once, as short as can be: to see that it works.',
    unverified: [OURS],
  },
  paper: {
    recipe: paper,
    model: 'pretrained',
    summary: 'The order of arXiv 2507.00748, with its relatives’ settings where the paper gives none.',
    unverified: [
      'lora r 64, alpha 128, RL learning rate 1e-5, beta 0.04, 8 generations, the per-sequence GRPO loss: VLM-R1’s LoRA recipe',
      'SFT dropout 0.05: VLM-R1; no dropout in RL, where completions share a prefix (VLM-R1 has 0.05)',
      'SFT learning rate 1e-4, warm-up 0.03, batch 16: ours (UniVG-R1 trains all weights at 5e-6, cosine, warm-up 0.015, 1 epoch, cutoff 6000)',
      'rejection sampling of 8 at IoU 0.5, keeping what is neither always nor never solved: ours',
      'reward weights format 1, IoU 1: VLM-R1 and UniVG-R1 add them unweighted',
      'temperature 1: TRL’s default (VLM-R1’s is 0.9)',
      '500 RL steps of 8 prompts: ours',
    ],
  },
  careful: {
    recipe: careful,
    model: 'pretrained',
    summary: 'Low learning rates, longer warm-up: when a run collapsed, or the dataset is small.',
    unverified: [OURS],
  },
  quick: {
    recipe: quick,
    model: 'pretrained',
    summary: 'A first look with a real model: short stages, rank 8.',
    unverified: [OURS],
  },
};

/** A preset's recipe with another seed. */
export const presetRecipe = (name: PresetName, seed?: number): Recipe => ({
  ...PRESETS[name].recipe,
  ...(seed === undefined ? {} : { seed }),
});
