/** Direct preference optimization: right answers over wrong ones to the same prompt (train/preferences). */
import { countSteps } from '../plan-steps.ts';
import { DPO_LOSS_NAMES, type DpoLossName } from '../preferences/dpo-losses.ts';
import { error, type StageDescriptor } from './descriptor.ts';
import { preferenceDefaults, preferenceParts, preferenceSchema, type PreferenceStage } from './preference.ts';
import { own, real, type NumberSpec } from './schema.ts';

export interface DpoStage extends PreferenceStage {
  readonly kind: 'dpo';
  /** Weight of each loss in the sum; 0 leaves it out. TRL's loss_type and loss_weights. */
  readonly lossWeights: { readonly [K in DpoLossName]: number };
}

/** All 0 but one. */
const onlySigmoid = Object.fromEntries(
  DPO_LOSS_NAMES.map((name) => [name, Number(name === 'sigmoid')]),
) as DpoStage['lossWeights'];

const parts = preferenceParts<DpoStage>(2, (stage, rows) =>
  countSteps(rows, { ...stage, gradientAccumulationSteps: 1 }),
);

export const dpo: StageDescriptor<DpoStage> = {
  ...parts,
  kind: 'dpo',
  defaults: { kind: 'dpo', name: 'Preferences', ...preferenceDefaults(), lossWeights: onlySigmoid },
  schema: {
    ...preferenceSchema(1e-6),
    ...(Object.fromEntries(DPO_LOSS_NAMES.map((name) => [`lossWeights.${name}`, real(0, 100, own)])) as {
      readonly [K in DpoLossName as `lossWeights.${K}`]: NumberSpec;
    }),
  },
  objections: (stage) => [
    ...parts.objections(stage),
    ...(Object.values(stage.lossWeights).every((weight) => weight === 0)
      ? [error('Every loss has the weight 0.', 'Give at least one of them a weight: sigmoid is DPO as published.')]
      : []),
  ],
};

export const dpoStage = (part: Partial<DpoStage> = {}): DpoStage => ({ ...dpo.defaults, ...part });
