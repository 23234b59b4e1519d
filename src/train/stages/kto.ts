/** Kahneman-Tversky optimization: right and wrong answers, each on its own (train/preferences). */
import { countSteps } from '../plan-steps.ts';
import { KTO_LOSSES, type KtoSettings } from '../preferences/objectives.ts';
import { error, type StageDescriptor } from './descriptor.ts';
import { preferenceDefaults, preferenceParts, preferenceSchema, type PreferenceStage } from './preference.ts';
import { choice, real } from './schema.ts';

export interface KtoStage extends PreferenceStage, Omit<KtoSettings, 'beta'> {
  readonly kind: 'kto';
}

const parts = preferenceParts<KtoStage>(2, (stage, rows) =>
  countSteps(rows, { ...stage, gradientAccumulationSteps: 1 }),
);

export const kto: StageDescriptor<KtoStage> = {
  ...parts,
  kind: 'kto',
  defaults: {
    kind: 'kto',
    name: 'Judged answers',
    ...preferenceDefaults(),
    lossType: 'kto',
    desirableWeight: 1,
    undesirableWeight: 1,
  },
  schema: {
    ...preferenceSchema(1e-6),
    lossType: choice(KTO_LOSSES, { theirs: 'kto' }),
    desirableWeight: real(0, 100, { theirs: 1 }),
    undesirableWeight: real(0, 100, { theirs: 1 }),
  },
  objections: (stage) => [
    ...parts.objections(stage),
    ...(stage.lossType === 'kto' && stage.perDeviceTrainBatchSize < 2
      ? [
          error(
            'KTO needs 2 answers at once.',
            'It measures how far the policy has moved with answers under the prompts of others.',
          ),
        ]
      : []),
    ...(stage.desirableWeight === 0 && stage.undesirableWeight === 0
      ? [error('Right and wrong answers both have the weight 0.', 'Nothing would be learned.')]
      : []),
  ],
};

export const ktoStage = (part: Partial<KtoStage> = {}): KtoStage => ({ ...kto.defaults, ...part });
