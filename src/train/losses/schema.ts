/** What a recipe may say of its loss beside the plain settings of its stage. */
import { choice, flag, ownSettings, real, whole, type Schema, type Spec } from '../stages/schema.ts';
import { LOSS_TYPES, lossOf, RATIO_LEVELS, type LossOptions } from './index.ts';

const OWN_SETTINGS = Object.fromEntries(
  LOSS_TYPES.flatMap((type): [string, Spec][] => ownSettings(`lossSettings.${type}`, lossOf(type).settings)),
) as Schema<Pick<LossOptions, 'lossSettings'>>;

export const LOSS_SCHEMA: Schema<LossOptions> = {
  ...OWN_SETTINGS,
  importanceSamplingLevel: choice(RATIO_LEVELS, { theirs: 'token', optional: true }),
  // None there where it is 0 here.
  delta: real(0, 100, { optional: true }),
  topEntropyQuantile: real(0.01, 1, { theirs: 1, optional: true }),
  offPolicyMaskThreshold: real(0, 100, { optional: true }),
  useAdaptiveEntropy: flag({ theirs: false, optional: true }),
  entropyCoefMin: real(0, 1, { theirs: 0, optional: true }),
  entropyCoefMax: real(0, 1, { theirs: 1, optional: true }),
  entropyCoefDelta: real(0, 1, { theirs: 0.005, optional: true }),
  entropyTarget: real(0, 20, { theirs: 0.2, optional: true }),
  replayBufferSize: whole(0, 4096, { theirs: 64, optional: true }),
};
