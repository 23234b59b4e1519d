/** New stages with their defaults: TRL's and PEFT's where they have one. */
import type {
  EvaluateStage,
  GrpoStage,
  LoraSettings,
  MergeStage,
  OptimizerSettings,
  RejectionStage,
  SftStage,
  Stage,
} from '../../engine/protocol.ts';

export const LANGUAGE_LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

const lora: LoraSettings = { r: 16, loraAlpha: 32, loraDropout: 0, useRslora: false, targetModules: LANGUAGE_LINEARS };

const optimizer: OptimizerSettings = {
  learningRate: 2e-4,
  lrSchedulerType: 'cosine',
  warmupRatio: 0.03,
  adamBeta1: 0.9,
  adamBeta2: 0.999,
  adamEpsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};

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
  lora,
  optimizer,
  maxSteps: 0,
  numTrainEpochs: 1,
  perDeviceTrainBatchSize: 8,
  gradientAccumulationSteps: 1,
  maxLength: 4096,
  gradientCheckpointing: true,
  ...part,
});

export const mergeStage = (part: Partial<MergeStage> = {}): MergeStage => ({ kind: 'merge', name: 'Merge', ...part });

export const rejectionStage = (part: Partial<RejectionStage> = {}): RejectionStage => ({
  kind: 'rejection',
  name: 'Rejection sampling',
  limit: 0,
  numGenerations: 8,
  sampling: { temperature: 1, topK: 0, topP: 1, maxCompletionLength: 256 },
  iouThreshold: 0.5,
  minSuccess: 0,
  maxSuccess: 1,
  batchSize: 8,
  ...part,
});

export const grpoStage = (part: Partial<GrpoStage> = {}): GrpoStage => ({
  kind: 'grpo',
  name: 'Reinforcement',
  lora: { ...lora, r: 16, loraDropout: 0 },
  optimizer: { ...optimizer, learningRate: 1e-5, lrSchedulerType: 'constant', warmupRatio: 0 },
  maxSteps: 200,
  promptsPerStep: 4,
  numGenerations: 8,
  sampling: { temperature: 1, topK: 0, topP: 1, maxCompletionLength: 256 },
  lossType: 'dapo',
  epsilon: 0.2,
  epsilonHigh: 0.2,
  beta: 0.04,
  useBiasCorrectionKl: false,
  numIterations: 1,
  scaleRewards: 'group',
  maskTruncatedCompletions: false,
  rewardWeights: { format: 0.5, iou: 1, imageIndex: 0.5 },
  gradientCheckpointing: true,
  ...part,
});

export const KINDS = ['sft', 'merge', 'rejection', 'grpo', 'evaluate'] as const satisfies readonly Stage['kind'][];

export const KIND_NAMES: Record<Stage['kind'], string> = {
  sft: 'Supervised fine-tuning',
  merge: 'Merge',
  rejection: 'Rejection sampling',
  grpo: 'GRPO',
  evaluate: 'Evaluation',
};

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
