/** What a recipe says of its loss, and the pass that computes it. */
import { OBJECTIVES, type Objective, type RATIO_LEVELS } from '../../ops/objectives.ts';
import type { PolicySettings } from '../../ops/policy-loss.ts';
import type { ScoreMode } from '../scorer.ts';
import { ENTROPY_DEFAULTS, type EntropySettings } from '../entropy-control.ts';
import { defaultValues } from '../setting.ts';
import { LOSS_TYPES, lossOf, type LOSSES, type LossType } from './table.ts';

export { LOSS_TYPES, LOSSES, lossOf, lossWeights, type Loss, type LossType } from './table.ts';
export { RATIO_LEVELS } from '../../ops/objectives.ts';

type OwnSettings<L extends LossType> = (typeof LOSSES)[L] extends { readonly settings: infer S } ? S : never;

/** Own settings of losses, by loss; one that is missing has its default. */
export type LossSettings = {
  readonly [L in LossType as [OwnSettings<L>] extends [never] ? never : L]?: {
    readonly [K in keyof OwnSettings<L>]?: number;
  };
};

/** Settings that came after the first plans; a plan without them runs as it did before they came. */
export interface LossOptions extends Omit<EntropySettings, 'entropyCoef'> {
  readonly lossSettings?: LossSettings;
  /** Whose probability ratio is taken: a token's, its whole completion's (GSPO), or the latter with a token's gradient. */
  readonly importanceSamplingLevel?: (typeof RATIO_LEVELS)[number];
  /** Cap of the ratio for negative advantages too; 0: none. */
  readonly delta?: number;
  /** The policy learns from this share of tokens, those of the highest entropy; 1: from all. */
  readonly topEntropyQuantile?: number;
  /** Completions with a negative advantage that have drifted further drop out; 0: none. */
  readonly offPolicyMaskThreshold?: number;
  /** Groups of earlier steps that may take the place of groups without differences; 0: none. */
  readonly replayBufferSize?: number;
}

/** Settings of the loss. */
export interface LossChoice extends LossOptions, EntropySettings {
  readonly lossType: LossType;
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** KL coefficient; the reference is the policy with its adapters off. */
  readonly beta: number;
  /** Multiply the KL term by the probability ratio, as TRL does since 1.13. */
  readonly useBiasCorrectionKl: boolean;
  readonly numIterations: number;
}

/** What came after the first plans, written out for a new stage. */
export const defaultLossOptions = (): Required<LossOptions> => ({
  ...ENTROPY_DEFAULTS,
  replayBufferSize: 0,
  lossSettings: Object.fromEntries(
    LOSS_TYPES.flatMap((type) => {
      const { settings } = lossOf(type);
      return settings ? [[type, defaultValues(settings)]] : [];
    }),
  ),
  importanceSamplingLevel: 'token',
  delta: 0,
  topEntropyQuantile: 1,
  offPolicyMaskThreshold: 0,
});

/** The objective of a recipe's loss, as its kernels take it. */
export function policySettings(choice: LossChoice): PolicySettings {
  const { lossType, epsilon, epsilonHigh, beta, useBiasCorrectionKl, lossSettings, delta } = choice;
  const { objective, settings } = lossOf(lossType);
  const { importanceSamplingLevel: level = 'token', offPolicyMaskThreshold = 0 } = choice;
  const given = (lossSettings as Readonly<Partial<Record<LossType, object>>> | undefined)?.[lossType];
  const constants = Object.entries<number>({ ...defaultValues(settings), ...given }).map(
    ([name, value]) => [name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase(), value] as const,
  );
  return {
    epsilon,
    epsilonHigh,
    beta,
    klRatio: useBiasCorrectionKl,
    objective,
    ...(constants.length > 0 && { constants: Object.fromEntries(constants) }),
    ...(level !== 'token' && { level }),
    ...(delta && { delta }),
    ...(offPolicyMaskThreshold !== 0 && { offPolicyThreshold: offPolicyMaskThreshold }),
  };
}

/** The training pass of a recipe's loss: the same for a run and for the plan of its memory. */
export function policyMode(choice: LossChoice): Extract<ScoreMode, { kind: 'policy' }> {
  return {
    kind: 'policy',
    settings: policySettings(choice),
    onPolicy: choice.numIterations <= 1 && !choice.replayBufferSize,
    masked: (choice.topEntropyQuantile ?? 1) < 1,
    entropyBonus: choice.entropyCoef > 0 || (choice.useAdaptiveEntropy ?? false),
  };
}

/** What speaks against a loss under these settings. */
export function lossFaults({
  lossType,
  ...choice
}: LossChoice): { readonly error?: string; readonly warning?: string }[] {
  const { objective, average, advise } = lossOf(lossType);
  const kernel: Objective = OBJECTIVES[objective];
  const { importanceSamplingLevel: level = 'token', delta = 0, epsilonHigh } = choice;
  const found: { error?: string; warning?: string }[] = [];
  if (kernel.sequence && level !== 'token')
    found.push({ error: `${lossType} looks at whole completions in its own way. Set “Ratio of” to token.` });
  if (delta && objective === 'clipped' && delta <= 1 + epsilonHigh)
    found.push({ warning: `The cap of the ratio, ${delta}, is inside the clip, which ends at ${1 + epsilonHigh}.` });
  if (level === 'sequence' && ['token-mean', 'fixed-length'].includes(average))
    found.push({
      warning: `With the ratio of whole completions, ${lossType} weighs a completion by its length. GSPO averages as grpo does.`,
    });
  const warning = advise?.({ epsilonHigh, importanceSamplingLevel: level });
  if (warning) found.push({ warning });
  return found;
}
