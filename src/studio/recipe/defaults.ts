/**
 * What a setting is when nobody sets it: here, and at its namesake in TRL or PEFT. Source: the config classes of TRL
 * 1.13 (SFTConfig, GRPOConfig), transformers 5.18 (TrainingArguments) and PEFT 0.21 (LoraConfig), with which a test
 * compares them.
 */
import type { Stage } from '../../engine/protocol/index.ts';
import { newStage } from '../../engine/presets.ts';
import { getAt, type Field } from './fields.ts';
import { TRL_REWARD_WEIGHTS } from './reward-fields.ts';

const OPTIMIZER: Readonly<Record<string, unknown>> = {
  'optimizer.lrSchedulerType': 'linear',
  'optimizer.warmupRatio': 0,
  'optimizer.weightDecay': 0,
  'optimizer.maxGradNorm': 1,
  'optimizer.adamBeta1': 0.9,
  'optimizer.adamBeta2': 0.999,
  'optimizer.adamEpsilon': 1e-8,
  gradientCheckpointing: true,
};

const LORA: Readonly<Record<string, unknown>> = {
  'lora.r': 8,
  'lora.loraAlpha': 8,
  'lora.loraDropout': 0,
  'lora.useRslora': false,
};

const SAMPLING: Readonly<Record<string, unknown>> = {
  'sampling.temperature': 1,
  'sampling.topK': 0,
  'sampling.topP': 1,
  'sampling.maxCompletionLength': 512,
};

/** Defaults of the namesakes, by the kind of stage and the setting's path. */
const ELSEWHERE: Readonly<Record<Stage['kind'], Readonly<Record<string, unknown>>>> = {
  sft: {
    ...OPTIMIZER,
    ...LORA,
    'optimizer.learningRate': 2e-5,
    maxSteps: -1,
    numTrainEpochs: 3,
    perDeviceTrainBatchSize: 8,
    gradientAccumulationSteps: 1,
    maxLength: 1024,
  },
  grpo: {
    ...OPTIMIZER,
    ...LORA,
    ...SAMPLING,
    'optimizer.learningRate': 1e-6,
    maxSteps: -1,
    numGenerations: 8,
    beta: 0,
    useBiasCorrectionKl: true,
    lossType: 'dapo',
    epsilon: 0.2,
    epsilonHigh: 0.2,
    numIterations: 1,
    scaleRewards: 'group',
    maskTruncatedCompletions: false,
    ...TRL_REWARD_WEIGHTS,
  },
  rejection: { ...SAMPLING, numGenerations: 8 },
  merge: {},
  evaluate: { maxCompletionLength: 512, batchSize: 8 },
};

export interface Defaults {
  readonly ours: unknown;
  /** undefined: the namesake has none, or there is no namesake. */
  readonly theirs: unknown;
}

const fresh = new Map<Stage['kind'], Stage>();

export function defaultsOf(kind: Stage['kind'], { path, origin }: Pick<Field, 'path' | 'origin'>): Defaults {
  const stage = fresh.get(kind) ?? newStage(kind);
  fresh.set(kind, stage);
  return { ours: getAt(stage, path), theirs: origin === 'Groundwork' ? undefined : ELSEWHERE[kind][path] };
}

/** A value as it is written in a sentence. */
export function written(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
  return Array.isArray(value) ? value.join(', ') : String(value);
}

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
