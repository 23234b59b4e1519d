/** The policy part of a golden case: TRL's own names (docs/golden-case.md). */
import type { LossChoice, LossType } from '../../train/losses/index.ts';

export interface PolicySpec {
  readonly loss_type: LossType;
  readonly epsilon: number;
  readonly epsilon_high?: number | null;
  readonly beta: number;
  readonly temperature: number;
  readonly max_completion_length: number;
  readonly use_bias_correction_kl?: boolean;
  readonly importance_sampling_level?: LossChoice['importanceSamplingLevel'];
  readonly delta?: number | null;
  readonly top_entropy_quantile?: number;
  readonly off_policy_mask_threshold?: number | null;
  readonly entropy_coef?: number;
  readonly sapo_temperature_pos?: number;
  readonly sapo_temperature_neg?: number;
  readonly vespo_k_pos?: number;
  readonly vespo_lambda_pos?: number;
  readonly vespo_k_neg?: number;
  readonly vespo_lambda_neg?: number;
  readonly mask_truncated_completions?: boolean;
  readonly truncated?: readonly boolean[];
  readonly completions: readonly string[];
  readonly advantages: readonly number[];
}

/** What a recipe would say. @param offPolicy the case gives the log-probs of the rollout */
export function lossChoice(spec: PolicySpec, offPolicy: boolean): LossChoice {
  const given = <K extends string>(values: Readonly<Record<K, number | undefined>>) =>
    Object.fromEntries(Object.entries<number | undefined>(values).filter(([, value]) => value !== undefined)) as {
      [N in K]?: number;
    };
  return {
    lossType: spec.loss_type,
    epsilon: spec.epsilon,
    epsilonHigh: spec.epsilon_high ?? spec.epsilon,
    beta: spec.beta,
    useBiasCorrectionKl: spec.use_bias_correction_kl ?? false,
    entropyCoef: spec.entropy_coef ?? 0,
    numIterations: offPolicy ? 2 : 1,
    importanceSamplingLevel: spec.importance_sampling_level ?? 'token',
    delta: spec.delta ?? 0,
    topEntropyQuantile: spec.top_entropy_quantile ?? 1,
    offPolicyMaskThreshold: spec.off_policy_mask_threshold ?? 0,
    lossSettings: {
      sapo: given({ temperaturePos: spec.sapo_temperature_pos, temperatureNeg: spec.sapo_temperature_neg }),
      vespo: given({
        kPos: spec.vespo_k_pos,
        lambdaPos: spec.vespo_lambda_pos,
        kNeg: spec.vespo_k_neg,
        lambdaNeg: spec.vespo_lambda_neg,
      }),
    },
  };
}
