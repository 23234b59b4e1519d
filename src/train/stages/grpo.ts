/** Group Relative Policy Optimization with rules for rewards (train/grpo.ts). */
import { span, subset } from '../../data/row-list.ts';
import { defaultRewards, rewardFaults, type RewardChoice } from '../rewards/index.ts';
import { REWARDS_SCHEMA } from '../rewards/schema.ts';
import type { ScoreSettings } from '../scorer.ts';
import { error, warning, type Objection, type StageBase, type StageDescriptor } from './descriptor.ts';
import { choice, flag, own, real, whole } from './schema.ts';
import {
  CHECKPOINTING,
  halfRank,
  LORA,
  lora,
  OPTIMIZER,
  optimizer,
  SAMPLING,
  sampling,
  type LoraSettings,
  type OptimizerSettings,
  type SamplingSettings,
} from './settings.ts';

const LOSS_TYPES = ['grpo', 'dapo', 'dr_grpo'] as const;
const SCALES = ['group', 'batch', 'none'] as const;

export interface GrpoStage extends StageBase, RewardChoice {
  readonly kind: 'grpo';
  readonly lora: LoraSettings;
  readonly optimizer: OptimizerSettings;
  readonly maxSteps: number;
  /** Prompts an optimizer step. */
  readonly promptsPerStep: number;
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
  readonly lossType: (typeof LOSS_TYPES)[number];
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** KL coefficient; the reference is the policy with its adapters off. */
  readonly beta: number;
  /** Multiply the KL term by the probability ratio, as TRL does since 1.13. */
  readonly useBiasCorrectionKl: boolean;
  /** Of the entropy bonus that is taken from the loss; 0: none, as in TRL. */
  readonly entropyCoef: number;
  readonly numIterations: number;
  readonly scaleRewards: (typeof SCALES)[number];
  readonly maskTruncatedCompletions: boolean;
  readonly gradientCheckpointing: boolean;
}

export const grpo: StageDescriptor<GrpoStage> = {
  kind: 'grpo',
  // DAPO's aggregation and clip-higher: the per-sequence mean shortens completions (VLM-R1#280).
  defaults: {
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
    ...defaultRewards(),
    gradientCheckpointing: true,
  },
  schema: {
    maxSteps: whole(1, 1e7, { theirs: -1 }),
    promptsPerStep: whole(1, 256, own),
    numGenerations: whole(2, 256, { theirs: 8 }),
    beta: real(0, 10, { theirs: 0 }),
    useBiasCorrectionKl: flag({ theirs: true }),
    entropyCoef: real(0, 1, own),
    lossType: choice(LOSS_TYPES, { theirs: 'dapo' }),
    epsilon: real(0, 1, { theirs: 0.2 }),
    epsilonHigh: real(0, 10, { theirs: 0.2 }),
    numIterations: whole(1, 64, { theirs: 1 }),
    scaleRewards: choice(SCALES, { theirs: 'group' }),
    maskTruncatedCompletions: flag({ theirs: false }),
    ...REWARDS_SCHEMA,
    ...CHECKPOINTING,
    ...SAMPLING,
    ...LORA,
    ...OPTIMIZER({ learningRate: 1e-6 }),
  },
  trains: true,
  adapter: {
    needs: 'none',
    leaves: 'open',
    otherwise: {
      text: 'An adapter is still open.',
      hint: 'Merge it first: otherwise the reference for KL is the untrained base, not the model you just taught.',
    },
  },
  reads: 'kept',
  rowsAtOnce: (stage) => stage.promptsPerStep,
  rowsAPass: (stage) => stage.promptsPerStep,
  rows: (stage, { train }) => subset(train, span(train, 0, stage.maxSteps * stage.promptsPerStep)),
  units: (stage) => ({ count: stage.maxSteps, unit: 'step' }),
  brief: (stage, units) => ({ ...stage, maxSteps: units }),
  plan: (stage, planner) =>
    planner.train(stage, (pass) => {
      const tokens = stage.sampling.maxCompletionLength;
      planner.generate(stage.promptsPerStep, stage.numGenerations, tokens);
      const shape = { groups: 1, completions: stage.numGenerations, tokens };
      const settings: Omit<ScoreSettings, 'mode' | 'adapter'> = {
        temperature: stage.sampling.temperature,
        checkpoint: stage.gradientCheckpointing,
      };
      if (stage.beta > 0) pass(shape, { ...settings, mode: { kind: 'score' }, adapter: false });
      pass(shape, {
        ...settings,
        mode: {
          kind: 'policy',
          epsilon: stage.epsilon,
          epsilonHigh: stage.epsilonHigh,
          beta: stage.beta,
          klRatio: stage.useBiasCorrectionKl,
          entropyCoef: stage.entropyCoef,
          onPolicy: stage.numIterations <= 1,
        },
        adapter: true,
      });
    }),
  eased: {
    recompute: (stage) => ({ ...stage, gradientCheckpointing: true }),
    'one-prompt': (stage) => ({ ...stage, promptsPerStep: 1 }),
    'fewer-completions': (stage) => ({ ...stage, numGenerations: Math.max(2, Math.floor(stage.numGenerations / 2)) }),
    'half-rank': halfRank,
  },
  objections,
};

function objections(stage: GrpoStage): Objection[] {
  const found: Objection[] = [];
  if (stage.numGenerations < 2)
    found.push(error('A group needs at least 2 completions:', 'an advantage compares them.'));
  for (const fault of rewardFaults(stage, stage.sampling)) found.push(error(fault, ''));
  if (stage.sampling.temperature === 0)
    found.push(error('At temperature 0 all completions of a group are the same, and every advantage is 0.', ''));
  if (stage.lora.loraDropout > 0)
    found.push(
      warning(
        'Dropout is switched off in reinforcement: completions share their prompt, and dropout would make that inexact.',
      ),
    );
  if (stage.lossType === 'grpo')
    found.push(
      warning('The grpo average favours short completions; lengths tend to shrink.', 'dapo and dr_grpo do not.'),
    );
  return found;
}

export const grpoStage = (part: Partial<GrpoStage> = {}): GrpoStage => ({ ...grpo.defaults, ...part });
