/** Supervised fine-tuning on the dataset's own answers (train/sft.ts). */
import { span, subset } from '../../data/row-list.ts';
import { countSteps } from '../plan-steps.ts';
import { error, type StageBase, type StageDescriptor } from './descriptor.ts';
import { HELDOUT, NOT_MEASURED, type HeldoutSettings } from './heldout.ts';
import { flag, own, real, whole } from './schema.ts';
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

export interface SftStage extends StageBase {
  readonly kind: 'sft';
  readonly lora: LoraSettings;
  readonly optimizer: OptimizerSettings;
  /** Optimizer steps; 0: `numTrainEpochs` decides. */
  readonly maxSteps: number;
  readonly numTrainEpochs: number;
  /** Rows packed into one forward pass. */
  readonly perDeviceTrainBatchSize: number;
  readonly gradientAccumulationSteps: number;
  /** Rows longer than this many tokens are reported and left out, never cut. 0: none is too long. */
  readonly maxLength: number;
  /** Rows without a thought are left out. */
  readonly onlyThoughts: boolean;
  /** Recompute each layer's activations in the backward pass. */
  readonly gradientCheckpointing: boolean;
  /** Steps between two measurements of the loss on held-out rows; 0: it is not measured. */
  readonly evalSteps: number;
  /** Held-out rows that are measured, a fixed draw; 0: all. */
  readonly evalRows: number;
  readonly heldout: HeldoutSettings;
}

/** Held-out rows are measured without dropout, and no gradient is computed. */
export const HELDOUT_PASS = { mode: { kind: 'score' }, temperature: 1, adapter: true, checkpoint: false } as const;

const rowsAStep = (stage: SftStage) => stage.perDeviceTrainBatchSize * stage.gradientAccumulationSteps;
const steps = (stage: SftStage, rows: number) => countSteps(Math.max(1, rows), stage).totalSteps;

export const sft: StageDescriptor<SftStage> = {
  kind: 'sft',
  defaults: {
    kind: 'sft',
    name: 'Cold start',
    lora: lora(),
    optimizer: optimizer(2e-4, 0.03),
    maxSteps: 0,
    numTrainEpochs: 1,
    perDeviceTrainBatchSize: 8,
    gradientAccumulationSteps: 1,
    maxLength: 4096,
    onlyThoughts: false,
    gradientCheckpointing: true,
    evalSteps: 0,
    evalRows: 64,
    heldout: NOT_MEASURED,
  },
  schema: {
    maxSteps: whole(0, 1e7, { theirs: -1 }),
    numTrainEpochs: real(0, 1000, { theirs: 3 }),
    perDeviceTrainBatchSize: whole(1, 256, { theirs: 8 }),
    gradientAccumulationSteps: whole(1, 1024, { theirs: 1 }),
    maxLength: whole(0, 131072, { theirs: 1024 }),
    onlyThoughts: flag({ ...own, later: true }),
    ...CHECKPOINTING,
    evalSteps: whole(0, 1e7, { later: true }),
    evalRows: whole(0, 1e6, { ...own, later: true }),
    ...HELDOUT,
    ...LORA,
    ...OPTIMIZER({ learningRate: 2e-5 }),
  },
  trains: true,
  teaches: true,
  adapter: {
    needs: 'none',
    leaves: 'open',
    otherwise: {
      text: 'The adapter of an earlier stage is not merged.',
      hint: 'Merge it first. The next adapter then learns on top of it.',
    },
  },
  reads: 'train',
  rowsAtOnce: rowsAStep,
  rowsAPass: (stage) => stage.perDeviceTrainBatchSize,
  rows: (stage, { train }) => subset(train, span(train, 0, steps(stage, train.length) * rowsAStep(stage))),
  units: (stage, { train }) => ({ count: steps(stage, train.length), unit: 'step' }),
  // A few steps are made to be timed or looked at, not to be measured on other rows.
  brief: (stage, units) => ({ ...stage, maxSteps: units, evalSteps: 0 }),
  plan: (stage, planner) =>
    planner.train(stage, (pass) => {
      const { promptTokens, targetTokens } = planner.longest;
      const whole = promptTokens + targetTokens;
      // Rows over maxLength are left out, so a target is then as long as that leaves room for.
      const target = stage.maxLength > 0 && whole > stage.maxLength ? stage.maxLength - promptTokens : targetTokens;
      const sizes = { groups: stage.perDeviceTrainBatchSize, completions: 1, tokens: Math.max(1, target) };
      if (stage.evalSteps > 0) pass(sizes, HELDOUT_PASS);
      pass(sizes, {
        mode: { kind: 'nll' },
        temperature: 1,
        adapter: true,
        checkpoint: stage.gradientCheckpointing,
        dropout: stage.lora.loraDropout,
      });
    }),
  eased: {
    recompute: (stage) => ({ ...stage, gradientCheckpointing: true }),
    'one-row': (stage) => ({ ...stage, perDeviceTrainBatchSize: 1, gradientAccumulationSteps: rowsAStep(stage) }),
    'half-rank': halfRank,
  },
  objections: (stage) =>
    stage.maxSteps === 0 && stage.numTrainEpochs === 0
      ? [error('Steps and epochs are both 0.', 'One of them must say how long to train.')]
      : [],
};

export const sftStage = (part: Partial<SftStage> = {}): SftStage => ({ ...sft.defaults, ...part });
