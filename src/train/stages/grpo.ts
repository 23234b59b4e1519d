/** Group Relative Policy Optimization with rules for rewards (train/grpo.ts). */
import { span, subset } from '../../data/row-list.ts';
import { defaultLossOptions, LOSS_TYPES, lossFaults, policyMode, type LossChoice } from '../losses/index.ts';
import { LOSS_SCHEMA } from '../losses/schema.ts';
import { defaultRewards, rewardFaults, type RewardChoice } from '../rewards/index.ts';
import { REWARDS_SCHEMA } from '../rewards/schema.ts';
import {
  AGGREGATIONS,
  DIFFICULTY_WEIGHTS,
  ESTIMATORS,
  SCALES,
  type AdvantageSettings,
  type DifficultyWeight,
} from '../advantage.ts';
import type { ScoreSettings } from '../scorer.ts';
import { error, warning, type Objection, type StageBase, type StageDescriptor } from './descriptor.ts';
import { HELDOUT, NOT_MEASURED, type HeldoutSettings } from './heldout.ts';
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

export interface GrpoStage extends StageBase, RewardChoice, LossChoice, AdvantageSettings {
  readonly kind: 'grpo';
  readonly lora: LoraSettings;
  readonly optimizer: OptimizerSettings;
  readonly maxSteps: number;
  /** Prompts an optimizer step. */
  readonly promptsPerStep: number;
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
  /** Hard prompts weigh more: groups with a lower mean IoU. */
  readonly difficultyWeight?: DifficultyWeight;
  /** Groups without differences are replaced by those of other prompts, so many rounds of sampling at most; 0: not. */
  readonly maxResamples?: number;
  readonly maskTruncatedCompletions: boolean;
  readonly gradientCheckpointing: boolean;
  readonly heldout: HeldoutSettings;
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
    multiObjectiveAggregation: 'sum_then_normalize',
    advantageEstimator: 'grpo',
    difficultyWeight: 'none',
    maxResamples: 0,
    maskTruncatedCompletions: false,
    ...defaultLossOptions(),
    ...defaultRewards(),
    gradientCheckpointing: true,
    heldout: NOT_MEASURED,
  },
  schema: {
    maxSteps: whole(1, 1e7, { theirs: -1 }),
    promptsPerStep: whole(1, 256, own),
    numGenerations: whole(2, 256, { theirs: 8 }),
    beta: real(0, 10, { theirs: 0 }),
    useBiasCorrectionKl: flag({ theirs: true }),
    entropyCoef: real(0, 1, { theirs: 0, later: true }),
    lossType: choice(LOSS_TYPES, { theirs: 'dapo' }),
    ...LOSS_SCHEMA,
    epsilon: real(0, 1, { theirs: 0.2 }),
    epsilonHigh: real(0, 10, { theirs: 0.2 }),
    numIterations: whole(1, 64, { theirs: 1 }),
    scaleRewards: choice(SCALES, { theirs: 'group' }),
    multiObjectiveAggregation: choice(AGGREGATIONS, { theirs: 'sum_then_normalize', optional: true }),
    advantageEstimator: choice(ESTIMATORS, { ...own, optional: true }),
    difficultyWeight: choice(Object.keys(DIFFICULTY_WEIGHTS) as DifficultyWeight[], { ...own, optional: true }),
    maxResamples: whole(0, 64, { ...own, optional: true }),
    maskTruncatedCompletions: flag({ theirs: false }),
    ...REWARDS_SCHEMA,
    ...CHECKPOINTING,
    ...HELDOUT,
    ...SAMPLING,
    ...LORA,
    ...OPTIMIZER({ learningRate: 1e-6 }),
  },
  trains: true,
  adapter: {
    needs: 'none',
    leaves: 'open',
    otherwise: {
      text: 'The adapter of an earlier stage is not merged.',
      hint: 'Merge it first. Otherwise the reference for the KL is the untrained base, not the model that you just trained.',
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
      const mode = policyMode(stage);
      const scores = { ...settings, mode: { kind: 'score' } } as const;
      if (stage.beta > 0) pass(shape, { ...scores, adapter: false });
      if (mode.masked || stage.numIterations > 1) pass(shape, { ...scores, adapter: true });
      // Groups of this step, and with a replay buffer those of earlier ones.
      if (stage.replayBufferSize && stage.numIterations <= 1)
        pass(shape, { ...settings, mode: { ...mode, onPolicy: true }, adapter: true });
      pass(shape, { ...settings, mode, adapter: true });
    }),
  eased: {
    recompute: (stage) => ({ ...stage, gradientCheckpointing: true }),
    'one-prompt': (stage) => ({ ...stage, promptsPerStep: 1 }),
    'fewer-completions': (stage) => ({ ...stage, numGenerations: Math.max(2, Math.floor(stage.numGenerations / 2)) }),
    'half-rank': halfRank,
  },
  compares: (stage) => stage,
  objections,
};

function objections(stage: GrpoStage): Objection[] {
  const found: Objection[] = [];
  if (stage.numGenerations < 2)
    found.push(error('A group needs at least 2 completions.', 'An advantage compares them with each other.'));
  for (const fault of rewardFaults(stage, stage.sampling)) found.push(error(fault, ''));
  if (stage.sampling.temperature === 0)
    found.push(error('At temperature 0 all completions of a group are the same, and every advantage is 0.', ''));
  if (stage.lora.loraDropout > 0)
    found.push(
      warning(
        'Dropout is switched off in reinforcement learning: completions share their prompt, and dropout would make that inexact.',
      ),
    );
  if (stage.advantageEstimator === 'rloo' && stage.multiObjectiveAggregation === 'normalize_then_sum')
    found.push(error('Leave-one-out compares sums of rewards.', 'Set the rewards to be summed first.'));
  if (stage.multiObjectiveAggregation === 'normalize_then_sum' && stage.scaleRewards !== 'batch')
    found.push(
      warning(
        'Rewards that are normalised one by one are always scaled over the batch. “Advantage scale” is not used.',
      ),
    );
  for (const fault of lossFaults(stage)) {
    if (fault.error !== undefined) found.push(error(fault.error, ''));
    if (fault.warning !== undefined) found.push(warning(fault.warning));
  }
  return found;
}

export const grpoStage = (part: Partial<GrpoStage> = {}): GrpoStage => ({ ...grpo.defaults, ...part });
