/**
 * New stages with their defaults: TRL's, PEFT's and transformers' where they have one. What a preset or a test writes
 * down is only what is its own.
 */
import { DECODER_PROJECTIONS } from './peft-targets.ts';
import type {
  EvaluateStage,
  GrpoStage,
  LoraSettings,
  MergeStage,
  OptimizerSettings,
  RejectionStage,
  SftStage,
  Stage,
} from './recipe.ts';

/** LoRA on the seven projections of the language model, A kaiming-uniform and B zero, scaling loraAlpha / r. */
export const lora = (r = 16, loraAlpha = 2 * r, loraDropout = 0): LoraSettings => ({
  r,
  loraAlpha,
  loraDropout,
  useRslora: false,
  targetModules: [...DECODER_PROJECTIONS],
});

/** AdamW with transformers' defaults (weight decay 0, gradient norm clipped to 1). */
export const optimizer = (
  learningRate: number,
  warmupRatio = 0,
  lrSchedulerType: OptimizerSettings['lrSchedulerType'] = 'cosine',
): OptimizerSettings => ({
  learningRate,
  lrSchedulerType,
  warmupRatio,
  adamBeta1: 0.9,
  adamBeta2: 0.999,
  adamEpsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
});

/** Temperature 1 without cuts, as policy-gradient estimates want it. */
export const sampling = (maxCompletionLength = 256) => ({ temperature: 1, topK: 0, topP: 1, maxCompletionLength });

/** Greedy answers to `limit` held-out rows (0: all). */
export const evaluateStage = (part: Partial<EvaluateStage> = {}): EvaluateStage => ({
  kind: 'evaluate',
  name: 'Evaluation',
  limit: 0,
  maxCompletionLength: 256,
  batchSize: 8,
  ...part,
});

export const sftStage = (part: Partial<SftStage> = {}): SftStage => ({
  kind: 'sft',
  name: 'Cold start',
  lora: lora(),
  optimizer: optimizer(2e-4, 0.03),
  maxSteps: 0,
  numTrainEpochs: 1,
  perDeviceTrainBatchSize: 8,
  gradientAccumulationSteps: 1,
  maxLength: 4096,
  gradientCheckpointing: true,
  ...part,
});

export const mergeStage = (part: Partial<MergeStage> = {}): MergeStage => ({ kind: 'merge', name: 'Merge', ...part });

/** Success is IoU 0.5 in the right image; kept is what neither always nor never succeeds. */
export const rejectionStage = (part: Partial<RejectionStage> = {}): RejectionStage => ({
  kind: 'rejection',
  name: 'Rejection sampling',
  limit: 0,
  numGenerations: 8,
  sampling: sampling(),
  iouThreshold: 0.5,
  minSuccess: 0,
  maxSuccess: 1,
  batchSize: 8,
  ...part,
});

/** DAPO's aggregation and clip-higher: the per-sequence mean shortens completions (VLM-R1#280). */
export const grpoStage = (part: Partial<GrpoStage> = {}): GrpoStage => ({
  kind: 'grpo',
  name: 'Reinforcement',
  lora: lora(),
  optimizer: optimizer(1e-5, 0, 'constant'),
  maxSteps: 200,
  promptsPerStep: 4,
  numGenerations: 8,
  sampling: sampling(),
  lossType: 'dapo',
  epsilon: 0.2,
  epsilonHigh: 0.28,
  beta: 0.04,
  useBiasCorrectionKl: true,
  entropyCoef: 0,
  numIterations: 1,
  scaleRewards: 'group',
  maskTruncatedCompletions: false,
  rewardWeights: { format: 1, iou: 1, imageIndex: 0 },
  gradientCheckpointing: true,
  ...part,
});

export const KINDS = ['sft', 'merge', 'rejection', 'grpo', 'evaluate'] as const satisfies readonly Stage['kind'][];

export function newStage(kind: Stage['kind']): Stage {
  switch (kind) {
    case 'sft':
      return sftStage();
    case 'merge':
      return mergeStage();
    case 'rejection':
      return rejectionStage();
    case 'grpo':
      return grpoStage();
    case 'evaluate':
      return evaluateStage();
  }
}
