/** The fixture of TRL's losses (tools/reference/fixtures/grpo.py), packed as a step is. */
import { readFileSync } from 'node:fs';
import type { PolicySettings } from '../../src/ops/policy-loss.ts';
import { lossWeights, policySettings, type LossType } from '../../src/train/losses/index.ts';
import { completionSpans, type Entry } from '../../src/train/pack.ts';
import { entropyShares, keptTokens } from '../../src/train/policy-update.ts';

export type Grid = readonly (readonly number[])[];

interface GoldenLoss {
  readonly name: string;
  readonly settings: {
    readonly loss_type: LossType;
    readonly epsilon: number;
    readonly epsilon_high?: number;
    readonly beta: number;
    readonly use_bias_correction_kl: boolean;
    readonly max_completion_length?: number;
    readonly importance_sampling_level?: 'sequence' | 'sequence_token';
    readonly delta?: number;
    readonly top_entropy_quantile?: number;
    readonly off_policy_mask_threshold?: number;
    readonly entropy_coef?: number;
  } & Readonly<Record<string, unknown>>;
  readonly mask: Grid;
  readonly advantages: readonly number[];
  readonly logps: Grid;
  readonly old_logps?: Grid;
  readonly ref_logps: Grid;
  readonly entropies: Grid;
  readonly loss: number;
  readonly dlogps: Grid;
  readonly dentropies?: Grid;
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface Adaptive {
  readonly name: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly entropies: readonly number[];
  readonly applied: readonly number[];
  readonly coefficients: readonly number[];
}

export const { losses: GOLDEN_LOSSES, adaptive: GOLDEN_ADAPTIVE } = JSON.parse(
  readFileSync(new URL('../golden/grpo-arithmetic.json', import.meta.url), 'utf8'),
) as { readonly losses: readonly GoldenLoss[]; readonly adaptive: readonly Adaptive[] };

/** Settings of a loss itself, by its own names for them. */
const OWN: Readonly<Record<string, readonly [LossType, string]>> = {
  sapo_temperature_pos: ['sapo', 'temperaturePos'],
  sapo_temperature_neg: ['sapo', 'temperatureNeg'],
  vespo_k_pos: ['vespo', 'kPos'],
  vespo_lambda_neg: ['vespo', 'lambdaNeg'],
};

export interface PolicyCase {
  readonly settings: PolicySettings;
  readonly entries: readonly Entry[];
  /** Tokens, those that pad included. */
  readonly size: number;
  readonly spans: Uint32Array;
  readonly logps: Float64Array;
  readonly completion: Float64Array;
  readonly weight: Float64Array;
  readonly advantage: Float64Array;
  readonly old: Float64Array | undefined;
  readonly reference: Float64Array | undefined;
  readonly kept: Float64Array | undefined;
  readonly entropy: Float64Array;
  /** Of the entropy bonus, where there is one. */
  readonly share: Float64Array | undefined;
  /** Any grid of the fixture, in the order of the tokens. */
  spread(grid: Grid): Float64Array;
}

/** Rows are completions of these lengths; one that is masked was cut. */
const LENGTHS = [7, 3, 5, 1];
const SIZE = 32;

export function policyCase({ settings: s, ...golden }: GoldenLoss): PolicyCase {
  const entries: Entry[] = [
    ...LENGTHS.map((_, completion) => ({ group: 0, completion, index: 0 })),
    ...LENGTHS.flatMap((n, completion) =>
      Array.from({ length: n - 1 }, (_, i) => ({ group: 0, completion, index: i + 1 })),
    ),
  ];
  const place = <T>(of: (entry: Entry) => number, rest: T) =>
    Float64Array.from({ length: SIZE }, (_, t) => (entries[t] ? of(entries[t]) : Number(rest)));
  const spread = (grid: Grid) => place((e) => grid[e.completion]![e.index]!, 0);
  const active = golden.mask.map((row) => row.reduce((a, b) => a + b, 0));
  const weights = lossWeights(
    { lossType: s.loss_type, sampling: { maxCompletionLength: s.max_completion_length ?? 0 } },
    active,
    LENGTHS,
  );
  const weight = place((e) => weights[e.completion]!, 0);
  const entropy = spread(golden.entropies);
  const group = { weight: Float32Array.from(weight) };
  const kept = s.top_entropy_quantile && keptTokens([group], [Float32Array.from(entropy)], s.top_entropy_quantile);
  const share = s.entropy_coef && entropyShares([group], kept || undefined, s.entropy_coef);
  const own: Record<string, Record<string, unknown>> = {};
  for (const [name, [loss, key]] of Object.entries(OWN)) if (name in s) (own[loss] ??= {})[key] = s[name];
  return {
    settings: policySettings({
      lossType: s.loss_type,
      lossSettings: own,
      epsilon: s.epsilon,
      epsilonHigh: s.epsilon_high ?? s.epsilon,
      beta: s.beta,
      useBiasCorrectionKl: s.use_bias_correction_kl,
      entropyCoef: 0,
      numIterations: golden.old_logps ? 2 : 1,
      importanceSamplingLevel: s.importance_sampling_level ?? 'token',
      delta: s.delta ?? 0,
      offPolicyMaskThreshold: s.off_policy_mask_threshold ?? 0,
    }),
    entries,
    size: SIZE,
    spans: completionSpans({ entries, sizes: { T: SIZE, F: 0, U: SIZE, S: SIZE } }),
    logps: spread(golden.logps),
    completion: place((e) => e.completion, LENGTHS.length),
    weight,
    advantage: place((e) => golden.advantages[e.completion]!, 0),
    old: golden.old_logps && spread(golden.old_logps),
    reference: s.beta === 0 ? undefined : spread(golden.ref_logps),
    kept: kept ? Float64Array.from(kept[0]!) : undefined,
    entropy,
    share: share ? Float64Array.from(share[0]!) : undefined,
    spread,
  };
}
