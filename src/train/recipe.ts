/**
 * A run is a list of stages, as data. Every field has the name and, unless said otherwise, the default of its TRL or
 * PEFT counterpart, in camelCase.
 */
export interface LoraSettings {
  readonly r: number;
  readonly loraAlpha: number;
  readonly loraDropout: number;
  readonly useRslora: boolean;
  /** A list (suffix match), a regular expression (full match) or 'all-linear', by PEFT's rules. */
  readonly targetModules: readonly string[] | string;
  readonly excludeModules?: readonly string[] | string;
}

export interface OptimizerSettings {
  readonly learningRate: number;
  readonly lrSchedulerType: 'linear' | 'cosine' | 'constant' | 'constant_with_warmup';
  readonly warmupRatio: number;
  readonly adamBeta1: number;
  readonly adamBeta2: number;
  readonly adamEpsilon: number;
  readonly weightDecay: number;
  /** Clip the global gradient norm to this; 0 is off. */
  readonly maxGradNorm: number;
}

export interface SamplingSettings {
  /** 0 is greedy. */
  readonly temperature: number;
  /** 0 is off. */
  readonly topK: number;
  /** 1 is off. */
  readonly topP: number;
  readonly maxCompletionLength: number;
}

export interface RewardWeights {
  readonly format: number;
  readonly iou: number;
  readonly imageIndex: number;
}

export interface EvaluateStage {
  readonly kind: 'evaluate';
  readonly name: string;
  /** Rows of the held-out split, at most this many (0: all). */
  readonly limit: number;
  readonly maxCompletionLength: number;
  readonly batchSize: number;
}

export interface SftStage {
  readonly kind: 'sft';
  readonly name: string;
  readonly lora: LoraSettings;
  readonly optimizer: OptimizerSettings;
  /** Optimizer steps; 0: `numTrainEpochs` decides. */
  readonly maxSteps: number;
  readonly numTrainEpochs: number;
  /** Rows packed into one forward pass. */
  readonly perDeviceTrainBatchSize: number;
  readonly gradientAccumulationSteps: number;
  /** Rows longer than this many tokens are reported and left out, never cut. */
  readonly maxLength: number;
  /** Recompute each layer's activations in the backward pass. */
  readonly gradientCheckpointing: boolean;
}

/** Folds the trained adapter into the policy; the next stage starts from the merged weights. */
export interface MergeStage {
  readonly kind: 'merge';
  readonly name: string;
}

export interface RejectionStage {
  readonly kind: 'rejection';
  readonly name: string;
  /** Prompts to try, at most (0: all training rows). */
  readonly limit: number;
  /** Samples a prompt. */
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
  /** A sample succeeds at this IoU or above, in the right image. */
  readonly iouThreshold: number;
  /** Kept: minSuccess < success rate < maxSuccess. */
  readonly minSuccess: number;
  readonly maxSuccess: number;
  readonly batchSize: number;
}

export interface GrpoStage {
  readonly kind: 'grpo';
  readonly name: string;
  readonly lora: LoraSettings;
  readonly optimizer: OptimizerSettings;
  readonly maxSteps: number;
  /** Prompts an optimizer step. */
  readonly promptsPerStep: number;
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
  readonly lossType: 'grpo' | 'dapo' | 'dr_grpo';
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** KL coefficient; the reference is the policy with its adapters off. */
  readonly beta: number;
  /** Multiply the KL term by the probability ratio, as TRL does since 1.13. */
  readonly useBiasCorrectionKl: boolean;
  /** Of the entropy bonus that is taken from the loss; 0: none, as in TRL. */
  readonly entropyCoef: number;
  readonly numIterations: number;
  readonly scaleRewards: 'group' | 'batch' | 'none';
  readonly maskTruncatedCompletions: boolean;
  readonly rewardWeights: RewardWeights;
  readonly gradientCheckpointing: boolean;
}

export type Stage = EvaluateStage | SftStage | MergeStage | RejectionStage | GrpoStage;

export interface Recipe {
  readonly name: string;
  readonly seed: number;
  readonly stages: readonly Stage[];
}
