/**
 * The optimizer steps that follow a rollout: each group is one pass through the decoder in which its completions share
 * their prompt, and the loss is averaged over the whole step as TRL does.
 */
import { pipelined } from '../base/pipelined.ts';
import type { Rollout } from './generate.ts';
import { policyMetrics, type Metrics, type PolicySums } from './grpo-metrics.ts';
import { lossWeights, policyMode } from './losses/index.ts';
import type { Optimizer } from './optimizer.ts';
import { pack, type Packed } from './pack.ts';
import type { GrpoStage } from './recipe.ts';
import type { Sample } from './samples.ts';
import { PASSES_AHEAD, type ScoreInputs, type ScoreSettings, type Scores } from './scorer.ts';
import type { StageContext } from './stage.ts';

/** One group ready for the loss. */
interface TrainingGroup {
  readonly packed: Packed;
  readonly features: Float32Array<ArrayBuffer>;
  readonly weight: Float32Array;
  readonly advantage: Float32Array;
  readonly reference: Float32Array | undefined;
  readonly old: Float32Array | undefined;
}

export interface PolicyUpdate {
  readonly loss: number;
  readonly metrics: Metrics;
  readonly learningRate: number;
  readonly gradNorm: number;
}

/**
 * Takes `numIterations` steps on the groups of one rollout.
 * @param advantages of all completions, group after group
 */
export async function updatePolicy(
  stage: GrpoStage,
  context: Pick<StageContext, 'samples' | 'scorer'>,
  optimizer: Optimizer,
  samples: readonly Sample[],
  groups: readonly (readonly Rollout[])[],
  advantages: readonly number[],
): Promise<PolicyUpdate> {
  const settings: Omit<ScoreSettings, 'mode' | 'adapter'> = {
    temperature: stage.sampling.temperature,
    checkpoint: stage.gradientCheckpointing,
  };
  const mode = policyMode(stage);
  const weights = lossWeights(
    stage,
    groups.flat().map((r) => (stage.maskTruncatedCompletions && r.truncated ? 0 : r.tokens.length)),
    groups.flat().map((r) => r.tokens.length),
  );
  const G = stage.numGenerations;
  const sliceOf = (g: number) => advantages.slice(g * G, (g + 1) * G);
  // A group without differences pulls nowhere; what acts on all tokens alike does, and keeps it.
  const alike = stage.beta !== 0 || mode.entropyBonus;
  const pulling = [...samples.entries()].filter(([g]) => alike || sliceOf(g).some((a) => a !== 0));
  const score = async ({ packed, features }: Pick<TrainingGroup, 'packed' | 'features'>, adapter: boolean) => {
    const { logps, entropy } = await context
      .scorer()
      .run(packed, features, { ...settings, mode: { kind: 'score' }, adapter });
    return { logps: logps.slice(), entropy: entropy.slice() };
  };
  const prepared = await pipelined(pulling, PASSES_AHEAD, async ([g, sample]): Promise<TrainingGroup> => {
    const slice = sliceOf(g);
    const packed = pack([{ prompt: sample.prompt, completions: groups[g]!.map((r) => r.tokens) }]);
    const features = context.samples.features([sample]);
    const logps = async (adapter: boolean) => (await score({ packed, features }, adapter)).logps;
    const [reference, old] = await Promise.all([
      stage.beta === 0 ? undefined : logps(false),
      stage.numIterations > 1 ? logps(true) : undefined,
    ]);
    return {
      packed,
      features,
      weight: Float32Array.from(packed.entries, (e) => weights[g * G + e.completion]!),
      advantage: Float32Array.from(packed.entries, (e) => slice[e.completion]!),
      reference,
      old,
    };
  });
  let loss = 0;
  let last = { learningRate: 0, gradNorm: 0 };
  const sums: PolicySums[] = [];
  for (let iteration = 0; iteration < stage.numIterations; iteration++) {
    optimizer.zeroGrad();
    const kept = mode.masked
      ? keptTokens(
          prepared,
          await pipelined(prepared, PASSES_AHEAD, async (group) => (await score(group, true)).entropy),
          stage.topEntropyQuantile ?? 1,
        )
      : undefined;
    const shares = mode.entropyBonus ? entropyShares(prepared, kept, stage.entropyCoef) : undefined;
    const passes = await pipelined(
      prepared.entries(),
      PASSES_AHEAD,
      async ([g, { packed, features, weight, advantage, reference, old }]) => {
        const inputs: ScoreInputs = {
          weight,
          advantage,
          ...(reference && { reference }),
          ...(old && { old }),
          ...(kept && { kept: kept[g]! }),
          ...(shares && { entropyShare: shares[g]! }),
        };
        return context.scorer().run(packed, features, { ...settings, mode, adapter: true }, inputs);
      },
    );
    passes.forEach((scores, g) => {
      const { packed, weight } = prepared[g]!;
      for (let i = 0; i < packed.entries.length; i++) loss += scores.terms[4 * i]! / stage.numIterations;
      sums.push(...completionSums(packed, scores, weight, stage.beta !== 0));
    });
    last = await optimizer.step();
  }
  return { loss, metrics: policyMetrics(sums, mode.settings), ...last };
}

type Weighted = Pick<TrainingGroup, 'weight'>;

/** 1 where a token's entropy is among the highest share `quantile` of all tokens in the loss (arXiv 2506.01939). */
export function keptTokens(
  groups: readonly Weighted[],
  entropies: readonly Float32Array[],
  quantile: number,
): Float32Array[] {
  const all = groups.flatMap(({ weight }, g) => [...entropies[g]!].filter((_, i) => weight[i] !== 0));
  const threshold = quantileOf(all, 1 - quantile);
  return groups.map(({ weight }, g) =>
    Float32Array.from(weight, (w, i) => Number(w !== 0 && entropies[g]![i]! >= threshold)),
  );
}

/** By linear interpolation between the values around it, as torch.quantile; Infinity of none. */
function quantileOf(values: readonly number[], share: number): number {
  if (!values.length) return Infinity;
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below);
}

/** The coefficient over the number of tokens that the bonus acts on: TRL's normaliser, whatever the loss. */
export function entropyShares(
  groups: readonly Weighted[],
  kept: readonly Float32Array[] | undefined,
  coefficient: number,
): Float32Array[] {
  const acts = groups.map(({ weight }, g) =>
    Float32Array.from(weight, (w, i) => Number(w !== 0) * (kept?.[g]![i] ?? 1)),
  );
  const tokens = acts.reduce((sum, values) => sum + values.reduce((a, b) => a + b, 0), 0);
  return acts.map((values) => values.map((v) => (v * coefficient) / Math.max(1, tokens)));
}

function completionSums(
  packed: Packed,
  { terms, entropy }: Scores,
  weight: Float32Array,
  withKl: boolean,
): PolicySums[] {
  const count = Math.max(...packed.entries.map((e) => e.completion)) + 1;
  const sums = Array.from(
    { length: count },
    () =>
      ({ tokens: 0, entropy: 0, kl: withKl ? 0 : null, clippedLow: 0, clippedHigh: 0, coefficient: 1 }) as {
        -readonly [K in keyof PolicySums]: PolicySums[K];
      },
  );
  packed.entries.forEach(({ completion }, i) => {
    if (weight[i] === 0) return;
    const sum = sums[completion]!;
    sum.tokens++;
    sum.entropy += entropy[i]!;
    sum.coefficient = terms[4 * i + 2]!;
    if (sum.kl !== null) sum.kl += terms[4 * i + 1]!;
    if (terms[4 * i + 3]! < 0) sum.clippedLow++;
    if (terms[4 * i + 3]! > 0) sum.clippedHigh++;
  });
  return sums;
}
