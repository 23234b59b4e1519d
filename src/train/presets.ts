/**
 * Recipes to start from, as data. The pipeline is that of arXiv 2507.00748: chain-of-thought cold start by SFT, merge,
 * rejection sampling with the merged model, rule-based RL. The paper states the order and the model (Qwen2.5-VL-7B);
 * its hyper-parameters, reward coefficients and sample counts are not public, and `unverified` says which of ours are
 * therefore taken from its relatives.
 */
import { PROMPT } from './prompt.ts';
import type { Recipe, Stage } from './recipe.ts';
import {
  backStage,
  evaluateStage,
  grpoStage,
  lora,
  mergeStage,
  optimizer,
  rejectionStage,
  repeatStage,
  sampling,
  sftStage,
  synthesiseStage,
} from './stages/index.ts';

export type PresetName = 'demo' | 'demo-quick' | 'sft-only' | 'rl-only' | 'star' | 'paper' | 'careful' | 'quick';

export interface Preset {
  readonly title: string;
  readonly recipe: Recipe;
  /** One line for the user. */
  readonly summary: string;
  /** `starter`: the small model that comes with the house. `pretrained`: a model from the Hub. */
  readonly model: 'starter' | 'pretrained';
  /** Settings that follow no published source for this pipeline, and where they come from instead. */
  readonly unverified: readonly string[];
}

const OURS = 'all values: our choice, not from a publication';

/** The starter's answers are short, and it is small enough to keep every activation. */
const short = { maxCompletionLength: 96 } as const;
const starterSft = { optimizer: optimizer(2e-3, 0.05), maxLength: 1024, gradientCheckpointing: false } as const;
const starterGrpo = {
  // A falling rate: with a constant one the last steps wander (docs/starter.md).
  optimizer: optimizer(1e-3, 0.05, 'linear'),
  promptsPerStep: 6,
  sampling: sampling(96),
  beta: 0,
  gradientCheckpointing: false,
} as const;

/** The whole order, with the same evaluation before, between and after. */
const pipeline = (
  evaluation: Parameters<typeof evaluateStage>[0],
  sft: Parameters<typeof sftStage>[0],
  rejection: Parameters<typeof rejectionStage>[0],
  grpo: Parameters<typeof grpoStage>[0],
): Stage[] => [
  evaluateStage({ ...evaluation, name: 'base' }),
  sftStage(sft),
  evaluateStage({ ...evaluation, name: 'sft' }),
  mergeStage(),
  rejectionStage(rejection),
  grpoStage(grpo),
  evaluateStage({ ...evaluation, name: 'grpo' }),
];

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  demo: {
    title: 'Full recipe',
    summary:
      'The whole method on the starter model and the sample, beside the base asked as best we know, and SFT alone for as long as RL takes.',
    model: 'starter',
    unverified: [OURS],
    recipe: {
      name: 'demo',
      seed: 1,
      stages: [
        evaluateStage({ ...short, batchSize: 16, name: 'base' }),
        evaluateStage({ ...short, batchSize: 16, name: 'base, best prompt', instruction: 'Think first.' }),
        // A cold start: enough to learn when to think and how to answer, not the rows by heart.
        sftStage({ ...starterSft, maxSteps: 48, perDeviceTrainBatchSize: 8 }),
        evaluateStage({ ...short, batchSize: 16, name: 'SFT' }),
        mergeStage(),
        // The other way to spend the time that reinforcement takes.
        sftStage({ ...starterSft, name: 'SFT continued', maxSteps: 240, perDeviceTrainBatchSize: 8 }),
        evaluateStage({ ...short, batchSize: 16, name: 'SFT continued' }),
        backStage({ name: 'Back to SFT', merges: 1 }),
        rejectionStage({ limit: 320, numGenerations: 8, sampling: sampling(96), batchSize: 4 }),
        grpoStage({ ...starterGrpo, maxSteps: 60, numGenerations: 8 }),
        evaluateStage({ ...short, batchSize: 16, name: 'SFT + RL' }),
      ],
    },
  },
  'demo-quick': {
    title: 'Quick look',
    summary:
      'Every stage once, as short as possible, on the starter. It shows that the method runs, not that it helps.',
    model: 'starter',
    unverified: [OURS],
    recipe: {
      name: 'demo-quick',
      seed: 1,
      stages: pipeline(
        { ...short, limit: 40, batchSize: 16 },
        { ...starterSft, optimizer: optimizer(2e-3, 0.1), maxSteps: 24, perDeviceTrainBatchSize: 8 },
        { limit: 16, numGenerations: 8, sampling: sampling(96), batchSize: 4 },
        { ...starterGrpo, optimizer: optimizer(5e-4, 0, 'constant'), maxSteps: 4, promptsPerStep: 2 },
      ),
    },
  },
  'sft-only': {
    title: 'SFT only',
    summary: 'One adapter, trained on the answers in the dataset. The simplest recipe that works.',
    model: 'starter',
    unverified: [OURS],
    recipe: {
      name: 'sft-only',
      seed: 42,
      stages: [
        evaluateStage({ ...short, name: 'base' }),
        sftStage({ ...starterSft, numTrainEpochs: 2 }),
        evaluateStage({ ...short, name: 'sft' }),
      ],
    },
  },
  'rl-only': {
    title: 'RL only',
    summary: 'For a model that already answers in the right format: keep prompts of medium difficulty, then GRPO.',
    model: 'starter',
    unverified: [OURS],
    recipe: {
      name: 'rl-only',
      seed: 42,
      stages: [
        evaluateStage({ ...short, name: 'base' }),
        rejectionStage({ limit: 160, sampling: sampling(96) }),
        grpoStage({ ...starterGrpo, maxSteps: 60 }),
        evaluateStage({ ...short, name: 'grpo' }),
      ],
    },
  },
  star: {
    title: 'Own thoughts',
    summary:
      'STaR: the model writes thoughts that lead to the right boxes, learns from them, and writes better ones. Three rounds, each from the base again.',
    model: 'starter',
    unverified: ['rounds, and each from the base again: arXiv 2203.14465', OURS],
    recipe: {
      name: 'star',
      seed: 42,
      prompt: { ...PROMPT, answerForm: 'think', thinkWords: 'Think first.' },
      stages: [
        evaluateStage({ ...short, batchSize: 16, name: 'base' }),
        synthesiseStage({ sampling: sampling(96), limit: 320, anew: true }),
        backStage({ name: 'Back to the base', merges: 0 }),
        sftStage({ ...starterSft, name: 'SFT on thoughts', maxSteps: 48, onlyThoughts: true }),
        mergeStage(),
        evaluateStage({ ...short, batchSize: 16, name: 'SFT' }),
        repeatStage({ numStages: 5, numRounds: 3 }),
      ],
    },
  },
  paper: {
    title: 'Paper’s order',
    summary: 'The order of arXiv 2507.00748. Where the paper gives no setting, those of related work.',
    model: 'pretrained',
    unverified: [
      'lora r 64, alpha 128, RL learning rate 1e-5, beta 0.04, 8 generations, the per-sequence GRPO loss: VLM-R1’s LoRA recipe',
      'SFT dropout 0.05: VLM-R1; no dropout in RL, where completions share a prefix (VLM-R1 has 0.05)',
      'SFT learning rate 1e-4, warm-up 0.03, batch 16: ours (UniVG-R1 trains all weights at 5e-6, cosine, warm-up 0.015, 1 epoch, cutoff 6000)',
      'rejection sampling of 8 at IoU 0.5, keeping what is neither always nor never solved: ours',
      'reward weights format 1, IoU 1: VLM-R1 and UniVG-R1 add them unweighted',
      'temperature 1: TRL’s default (VLM-R1’s is 0.9)',
      '500 RL steps of 8 prompts: ours',
    ],
    recipe: {
      name: 'paper',
      seed: 42,
      stages: pipeline(
        { limit: 500, maxCompletionLength: 512, batchSize: 4 },
        {
          lora: lora(64, 128, 0.05),
          optimizer: optimizer(1e-4, 0.03),
          perDeviceTrainBatchSize: 1,
          gradientAccumulationSteps: 16,
          maxLength: 6000,
        },
        { sampling: sampling(512), batchSize: 1 },
        {
          lora: lora(64, 128),
          optimizer: optimizer(1e-5, 0, 'linear'),
          maxSteps: 500,
          promptsPerStep: 8,
          sampling: sampling(512),
          lossType: 'grpo',
          epsilonHigh: 0.2,
        },
      ),
    },
  },
  careful: {
    title: 'Careful',
    summary: 'Low learning rates and a longer warm-up. Use it when a run collapsed or the dataset is small.',
    model: 'pretrained',
    unverified: [OURS],
    recipe: {
      name: 'careful',
      seed: 42,
      stages: pipeline(
        { limit: 200, maxCompletionLength: 384, batchSize: 4 },
        {
          lora: lora(16, 32, 0.05),
          optimizer: optimizer(5e-5, 0.1),
          perDeviceTrainBatchSize: 1,
          gradientAccumulationSteps: 8,
        },
        { limit: 400, sampling: sampling(384), batchSize: 1 },
        {
          optimizer: optimizer(5e-6, 0.1, 'constant_with_warmup'),
          sampling: sampling(384),
          maskTruncatedCompletions: true,
        },
      ),
    },
  },
  quick: {
    title: 'First try',
    summary: 'A first look with a real model: short stages, rank 8.',
    model: 'pretrained',
    unverified: [OURS],
    recipe: {
      name: 'quick',
      seed: 42,
      stages: pipeline(
        { limit: 32, batchSize: 4 },
        {
          lora: lora(8),
          optimizer: optimizer(2e-4, 0.1),
          maxSteps: 30,
          perDeviceTrainBatchSize: 1,
          gradientAccumulationSteps: 4,
          maxLength: 2048,
        },
        { limit: 32, numGenerations: 4, batchSize: 1 },
        { lora: lora(8), maxSteps: 20, promptsPerStep: 1, numGenerations: 4 },
      ),
    },
  },
};

export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];

export const isPreset = (name: string): name is PresetName => Object.hasOwn(PRESETS, name);

/** A preset's recipe with another seed. */
export const presetRecipe = (name: PresetName, seed?: number): Recipe => ({
  ...PRESETS[name].recipe,
  ...(seed === undefined ? {} : { seed }),
});
