/**
 * Settings that several kinds of stage share: adapter, optimizer, sampling. Names and namesakes' defaults are those of
 * TRL 1.13 (SFTConfig, GRPOConfig), transformers 5.18 (TrainingArguments) and PEFT 0.21 (LoraConfig), in camelCase.
 */
import { DECODER_PROJECTIONS } from '../peft-targets.ts';
import { choice, flag, modules, real, whole, type Schema } from './schema.ts';

export interface LoraSettings {
  readonly r: number;
  readonly loraAlpha: number;
  readonly loraDropout: number;
  readonly useRslora: boolean;
  /** A list (suffix match), a regular expression (full match) or 'all-linear', by PEFT's rules. */
  readonly targetModules: readonly string[] | string;
  readonly excludeModules?: readonly string[] | string;
}

const SCHEDULERS = ['linear', 'cosine', 'constant', 'constant_with_warmup'] as const;

export interface OptimizerSettings {
  readonly learningRate: number;
  readonly lrSchedulerType: (typeof SCHEDULERS)[number];
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
export const sampling = (maxCompletionLength = 256): SamplingSettings => ({
  temperature: 1,
  topK: 0,
  topP: 1,
  maxCompletionLength,
});

const peft = { origin: 'PEFT' } as const;

export const LORA: Schema<{ readonly lora: LoraSettings }> = {
  'lora.r': whole(1, 512, { ...peft, theirs: 8 }),
  'lora.loraAlpha': real(0, 4096, { ...peft, theirs: 8 }),
  'lora.loraDropout': real(0, 0.9, { ...peft, theirs: 0 }),
  'lora.useRslora': flag({ ...peft, theirs: false }),
  'lora.targetModules': modules(),
  'lora.excludeModules': modules({ optional: true }),
};

export const OPTIMIZER = (theirs: {
  readonly learningRate: number;
}): Schema<{ readonly optimizer: OptimizerSettings }> => ({
  'optimizer.learningRate': real(0, 1, { theirs: theirs.learningRate }),
  'optimizer.lrSchedulerType': choice(SCHEDULERS, { theirs: 'linear' }),
  // Before transformers 5 it was warmup_ratio.
  'optimizer.warmupRatio': real(0, 1, { name: 'warmup_steps', theirs: 0 }),
  'optimizer.weightDecay': real(0, 1, { theirs: 0 }),
  'optimizer.maxGradNorm': real(0, 1e6, { theirs: 1 }),
  'optimizer.adamBeta1': real(0, 0.9999, { theirs: 0.9 }),
  'optimizer.adamBeta2': real(0, 0.99999, { theirs: 0.999 }),
  'optimizer.adamEpsilon': real(0, 1, { theirs: 1e-8 }),
});

export const SAMPLING: Schema<{ readonly sampling: SamplingSettings }> = {
  'sampling.temperature': real(0, 5, { theirs: 1 }),
  'sampling.maxCompletionLength': whole(1, 8192, { theirs: 512 }),
  'sampling.topK': whole(0, 100000, { theirs: 0 }),
  'sampling.topP': real(0, 1, { theirs: 1 }),
};

export const CHECKPOINTING = { gradientCheckpointing: flag({ theirs: true }) } as const;

/** Halved, as far as an adapter goes. */
export const halfRank = <S extends { readonly lora: LoraSettings }>(stage: S): S => ({
  ...stage,
  lora: { ...stage.lora, r: Math.max(4, stage.lora.r >> 1) },
});
