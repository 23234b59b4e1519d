/** Self-distillation (SDFT, SDPO): the policy learns what it would say if it were told the right answer (train/distillation). */
import { span, subset } from '../../data/row-list.ts';
import { DISTILLATION_MODES, type DivergenceSettings } from '../distillation/divergence.ts';
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

/** What the teacher is told: the row's right answer (SDFT), or another answer of the group that was right (SDPO). */
export const PRIVILEGES = ['truth', 'success'] as const;
/** The policy with its adapter off, as it now is, or with a moving average of its adapter. */
export const TEACHERS = ['base', 'live', 'ema'] as const;

export interface DistillStage extends StageBase, DivergenceSettings {
  readonly kind: 'distill';
  readonly lora: LoraSettings;
  readonly optimizer: OptimizerSettings;
  readonly maxSteps: number;
  /** Prompts an optimizer step. */
  readonly promptsPerStep: number;
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
  readonly privilegedContext: (typeof PRIVILEGES)[number];
  /** A completion is right at this IoU or above, in the right picture. */
  readonly iouThreshold: number;
  readonly teacherModelKind: (typeof TEACHERS)[number];
  /** Of the moving average. */
  readonly teacherUpdateRate: number;
  readonly teacherSyncSteps: number;
  readonly distillationTopk: number;
  /** Cap of the ratio to the policy that sampled, where rollouts are used more than once; 0: no correction. */
  readonly distillationIsClip: number;
  /** First tokens of each completion that are not learned from. */
  readonly numLossTokensToSkip: number;
  readonly numIterations: number;
  readonly gradientCheckpointing: boolean;
  readonly heldout: HeldoutSettings;
}

/** Tokens of the words around what is told, at most. */
const WORDS = 64;

export const distill: StageDescriptor<DistillStage> = {
  kind: 'distill',
  defaults: {
    kind: 'distill',
    name: 'Self-distillation',
    lora: lora(),
    optimizer: optimizer(1e-5, 0, 'constant'),
    maxSteps: 200,
    promptsPerStep: 4,
    numGenerations: 2,
    sampling: sampling(),
    privilegedContext: 'truth',
    iouThreshold: 0.5,
    teacherModelKind: 'base',
    teacherUpdateRate: 0.05,
    teacherSyncSteps: 1,
    distillationMode: 'topk_logits',
    distillationAlpha: 0.5,
    distillationTopk: 100,
    distillationAddTail: false,
    distillationIsClip: 2,
    numLossTokensToSkip: 0,
    numIterations: 1,
    gradientCheckpointing: true,
    heldout: NOT_MEASURED,
  },
  schema: {
    maxSteps: whole(1, 1e7, { theirs: -1 }),
    promptsPerStep: whole(1, 256, own),
    numGenerations: whole(1, 256, { theirs: 8 }),
    privilegedContext: choice(PRIVILEGES, own),
    iouThreshold: real(0, 1, own),
    teacherModelKind: choice(TEACHERS, { theirs: 'base' }),
    teacherUpdateRate: real(0, 1, { theirs: 0.05 }),
    teacherSyncSteps: whole(1, 1e6, { theirs: 1 }),
    distillationMode: choice(DISTILLATION_MODES, { theirs: 'topk_logits' }),
    distillationAlpha: real(0, 1, { theirs: 0.5 }),
    distillationTopk: whole(1, 100000, { theirs: 100 }),
    distillationAddTail: flag({ theirs: false }),
    distillationIsClip: real(0, 100, { theirs: 2 }),
    numLossTokensToSkip: whole(0, 8192, { theirs: 0 }),
    numIterations: whole(1, 64, { theirs: 1 }),
    ...CHECKPOINTING,
    ...HELDOUT,
    ...SAMPLING,
    'sampling.maxCompletionLength': whole(1, 8192, { theirs: 256 }),
    ...LORA,
    ...OPTIMIZER({ learningRate: 5e-5 }),
  },
  trains: true,
  adapter: {
    needs: 'none',
    leaves: 'open',
    otherwise: {
      text: 'The adapter of an earlier stage is not merged.',
      hint: 'Merge it first. Otherwise the teacher is the untrained base, not the model that you just trained.',
    },
  },
  reads: 'kept',
  rowsAtOnce: (stage) => stage.promptsPerStep,
  rowsAPass: () => 1,
  rows: (stage, { train }) => subset(train, span(train, 0, stage.maxSteps * stage.promptsPerStep)),
  units: (stage) => ({ count: stage.maxSteps, unit: 'step' }),
  brief: (stage, units) => ({ ...stage, maxSteps: units }),
  plan: (stage, planner) =>
    planner.train({ ...stage, averaged: stage.teacherModelKind === 'ema' }, (pass) => {
      const tokens = stage.sampling.maxCompletionLength;
      planner.generate(stage.promptsPerStep, stage.numGenerations, tokens);
      const shape = { groups: 1, completions: stage.numGenerations, tokens };
      const settings = { temperature: stage.sampling.temperature, checkpoint: stage.gradientCheckpointing };
      const top = { topk_logits: stage.distillationTopk, full_logits: Infinity, sampled_token: 0 }[
        stage.distillationMode
      ];
      const support = top > 0 ? { support: top } : {};
      const told = stage.privilegedContext === 'truth' ? planner.longest.targetTokens : tokens;
      pass(shape, { ...settings, mode: { kind: 'score', ...(top > 0 && { top }) }, adapter: true });
      pass(
        { ...shape, ...support, promptTokens: told + WORDS },
        { ...settings, mode: { kind: 'score' }, adapter: stage.teacherModelKind !== 'base' },
      );
      pass({ ...shape, ...support }, { ...settings, mode: { kind: 'nll' }, adapter: true });
    }),
  eased: {
    recompute: (stage) => ({ ...stage, gradientCheckpointing: true }),
    'one-prompt': (stage) => ({ ...stage, promptsPerStep: 1 }),
    'fewer-completions': (stage) => ({ ...stage, numGenerations: Math.max(1, Math.floor(stage.numGenerations / 2)) }),
    'half-rank': halfRank,
  },
  objections,
};

function objections(stage: DistillStage): Objection[] {
  const found: Objection[] = [];
  if (stage.distillationMode === 'sampled_token' && stage.distillationAlpha !== 1)
    found.push(
      error('sampled_token computes the reverse KL only.', 'Set alpha to 1, or compare by topk_logits or full_logits.'),
    );
  if (stage.sampling.temperature === 0)
    found.push(error('Distributions are compared at the temperature of sampling, and 0 has none.', 'Set it above 0.'));
  if (stage.privilegedContext === 'success' && stage.numGenerations < 2)
    found.push(
      error(
        'A teacher that is told another right answer needs a group of 2.',
        'Raise the group size, or tell the truth.',
      ),
    );
  if (stage.lora.loraDropout > 0)
    found.push(warning('Dropout is switched off here: completions share their prompt, and are scored twice.'));
  return found;
}

export const distillStage = (part: Partial<DistillStage> = {}): DistillStage => ({ ...distill.defaults, ...part });
