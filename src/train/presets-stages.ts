/** Stages with the choices that all presets share: what a preset writes down is only what is its own. */
import { DECODER_PROJECTIONS, VISION_MODULES } from './peft-targets.ts';
import type {
  EvaluateStage,
  GrpoStage,
  LoraSettings,
  MergeStage,
  OptimizerSettings,
  RejectionStage,
  SftStage,
} from './recipe.ts';

/** Language-only LoRA on the seven projections, A kaiming-uniform and B zero, scaling loraAlpha / r. */
export const lora = (r: number, loraAlpha: number, loraDropout = 0): LoraSettings => ({
  r,
  loraAlpha,
  loraDropout,
  useRslora: false,
  targetModules: [...DECODER_PROJECTIONS],
  excludeModules: VISION_MODULES,
});

/** AdamW with transformers' defaults (weight decay 0, gradient norm clipped to 1). */
export const optimizer = (
  learningRate: number,
  warmupRatio: number,
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

/** `limit` held-out rows (0: all), greedy. */
export const evaluate = (name: string, limit: number, maxCompletionLength: number, batchSize = 8): EvaluateStage => ({
  kind: 'evaluate',
  name,
  limit,
  maxCompletionLength,
  batchSize,
});
export const merge: MergeStage = { kind: 'merge', name: 'merge' };

export function sft(settings: Omit<SftStage, 'kind' | 'name'>): SftStage {
  return { kind: 'sft', name: 'sft', ...settings };
}

/** Temperature-1 samples, success at IoU 0.5; kept is what neither always nor never succeeds. */
export function rejection(
  limit: number,
  numGenerations: number,
  maxCompletionLength: number,
  batchSize: number,
): RejectionStage {
  return {
    kind: 'rejection',
    name: 'rejection',
    limit,
    numGenerations,
    sampling: { temperature: 1, topK: 0, topP: 1, maxCompletionLength },
    iouThreshold: 0.5,
    minSuccess: 0,
    maxSuccess: 1,
    batchSize,
  };
}

/** DAPO's aggregation and clip-higher by default: the per-sequence mean shortens completions (VLM-R1#280). */
export function grpo(
  settings: Pick<GrpoStage, 'lora' | 'optimizer' | 'maxSteps' | 'promptsPerStep' | 'numGenerations'> & {
    maxCompletionLength: number;
  } & Partial<GrpoStage>,
): GrpoStage {
  const { maxCompletionLength, ...given } = settings;
  return {
    kind: 'grpo',
    name: 'grpo',
    sampling: { temperature: 1, topK: 0, topP: 1, maxCompletionLength },
    lossType: 'dapo',
    epsilon: 0.2,
    epsilonHigh: 0.28,
    beta: 0.04,
    useBiasCorrectionKl: true,
    numIterations: 1,
    scaleRewards: 'group',
    maskTruncatedCompletions: false,
    rewardWeights: { format: 1, iou: 1, imageIndex: 0 },
    gradientCheckpointing: false,
    ...given,
  };
}
