/** What the stages that learn from judged answers share: settings, memory, and where the answers come from. */
import { span, subset } from '../../data/row-list.ts';
import type { StageBase, StageDescriptor } from './descriptor.ts';
import { error, warning } from './descriptor.ts';
import { HELDOUT, NOT_MEASURED, type HeldoutSettings } from './heldout.ts';
import { own, real, whole } from './schema.ts';
import {
  CHECKPOINTING,
  halfRank,
  LORA,
  lora,
  OPTIMIZER,
  optimizer,
  type LoraSettings,
  type OptimizerSettings,
} from './settings.ts';

export interface PreferenceStage extends StageBase {
  readonly lora: LoraSettings;
  readonly optimizer: OptimizerSettings;
  /** Optimizer steps; 0: `numTrainEpochs` decides. */
  readonly maxSteps: number;
  readonly numTrainEpochs: number;
  /** Pairs, or single answers, of an optimizer step. */
  readonly perDeviceTrainBatchSize: number;
  /** How strongly the policy is held to the reference. */
  readonly beta: number;
  /** Longer answers are left out, and told. */
  readonly maxCompletionLength: number;
  readonly gradientCheckpointing: boolean;
  readonly heldout: HeldoutSettings;
}

export const preferenceDefaults = () => ({
  lora: lora(),
  optimizer: optimizer(1e-5, 0.03, 'constant_with_warmup'),
  maxSteps: 0,
  numTrainEpochs: 1,
  perDeviceTrainBatchSize: 8,
  beta: 0.1,
  maxCompletionLength: 256,
  gradientCheckpointing: true,
  heldout: NOT_MEASURED,
});

/** @param learningRate the namesake's */
export const preferenceSchema = (learningRate: number) => ({
  maxSteps: whole(0, 1e7, { theirs: -1 }),
  numTrainEpochs: real(0, 1000, { theirs: 3 }),
  perDeviceTrainBatchSize: whole(1, 256, { theirs: 8 }),
  beta: real(1e-6, 100, { theirs: 0.1 }),
  maxCompletionLength: whole(1, 8192, own),
  ...CHECKPOINTING,
  ...HELDOUT,
  ...LORA,
  ...OPTIMIZER({ learningRate }),
});

/**
 * @param completions answers that share a prompt in one pass
 * @param count how many steps so many items make
 */
export const preferenceParts = <S extends PreferenceStage>(
  completions: number,
  count: (stage: S, items: number) => { readonly totalSteps: number },
): Omit<StageDescriptor<S>, 'kind' | 'defaults' | 'schema'> => {
  // How many answers were handed on is known in the run; there are about as many as rows.
  const steps = (stage: S, rows: number) => count(stage, Math.max(1, rows)).totalSteps;
  return {
    trains: true,
    adapter: {
      needs: 'none',
      leaves: 'open',
      otherwise: {
        text: 'The adapter of an earlier stage is not merged.',
        hint: 'Merge it first. Otherwise the reference is the untrained base, not the model that gave the answers.',
      },
    },
    answers: { needs: true, gives: () => false },
    reads: 'train',
    rowsAtOnce: (stage) => stage.perDeviceTrainBatchSize,
    rowsAPass: () => 1,
    rows: (stage, { train }) =>
      subset(train, span(train, 0, steps(stage, train.length) * stage.perDeviceTrainBatchSize)),
    units: (stage, { train }) => ({ count: steps(stage, train.length), unit: 'step' }),
    brief: (stage, units) => ({ ...stage, maxSteps: units }),
    plan: (stage, planner) =>
      planner.train(stage, (pass) => {
        const shape = { groups: 1, completions, tokens: stage.maxCompletionLength };
        const settings = { temperature: 1, checkpoint: stage.gradientCheckpointing } as const;
        pass(shape, { ...settings, mode: { kind: 'score' }, adapter: false });
        pass(shape, { ...settings, mode: { kind: 'score' }, adapter: true });
        pass(shape, { ...settings, mode: { kind: 'nll' }, adapter: true });
      }),
    eased: {
      recompute: (stage) => ({ ...stage, gradientCheckpointing: true }),
      'half-rank': halfRank,
    },
    objections: (stage) => [
      ...(stage.maxSteps === 0 && stage.numTrainEpochs === 0
        ? [error('Steps and epochs are both 0.', 'One of them must say how long to train.')]
        : []),
      ...(stage.lora.loraDropout > 0
        ? [warning('Dropout is switched off here: the answers of a prompt share it, and are scored twice.')]
        : []),
    ],
  };
};
