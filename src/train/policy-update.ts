/**
 * The optimizer steps that follow a rollout: each group is one pass through the decoder in which its completions share
 * their prompt, and the loss is averaged over the whole step as TRL does.
 */
import { pipelined } from '../base/pipelined.ts';
import type { EntropyControl } from './entropy-control.ts';
import { policyMetrics, type Metrics, type PolicySums } from './grpo-metrics.ts';
import { lossWeights, policyMode } from './losses/index.ts';
import type { Optimizer } from './optimizer.ts';
import { pack, type Packed } from './pack.ts';
import type { GrpoStage } from './recipe.ts';
import type { Sample } from './samples.ts';
import { PASSES_AHEAD, type ScoreInputs, type ScoreSettings, type Scores } from './scorer.ts';
import type { StageContext } from './stage.ts';

/** Completions of one prompt, as the policy learns from them. */
export interface PolicyGroup {
  readonly sample: Sample;
  readonly completions: readonly {
    readonly tokens: Uint32Array;
    readonly truncated: boolean;
    readonly advantage: number;
    /** Of each token as it was sampled; null: not known. */
    readonly entropies: Float32Array | null;
    /** Log-probabilities as they were sampled, where the policy has moved since. */
    readonly old?: Float32Array;
  }[];
}

/** A group ready for the loss. */
interface Pass {
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
  /** Groups that cost no pass, for want of differences. */
  readonly skipped: number;
}

/** Takes `numIterations` steps on the groups of one rollout. */
export async function updatePolicy(
  stage: GrpoStage,
  context: Pick<StageContext, 'samples' | 'scorer'>,
  optimizer: Optimizer,
  control: EntropyControl,
  groups: readonly PolicyGroup[],
): Promise<PolicyUpdate> {
  const settings: Omit<ScoreSettings, 'mode' | 'adapter'> = {
    temperature: stage.sampling.temperature,
    checkpoint: stage.gradientCheckpointing,
  };
  const mode = policyMode(stage);
  const completions = groups.flatMap((group) => group.completions);
  const active = completions.map(({ tokens, truncated }) =>
    stage.maskTruncatedCompletions && truncated ? 0 : tokens.length,
  );
  const weights = lossWeights(
    stage,
    active,
    completions.map(({ tokens }) => tokens.length),
  );
  const starts = groups.map((_, g) => groups.slice(0, g).reduce((sum, group) => sum + group.completions.length, 0));
  // A group without differences pulls nowhere; what acts on all tokens alike does, and keeps it.
  const alike = stage.beta !== 0 || mode.entropyBonus;
  const pulls = ({ completions: own }: PolicyGroup) => alike || own.some(({ advantage }) => advantage !== 0);
  const idle = groups.filter((group) => !pulls(group));
  const score = async ({ packed, features }: Pick<Pass, 'packed' | 'features'>, adapter: boolean) => {
    const { logps, entropy } = await context
      .scorer()
      .run(packed, features, { ...settings, mode: { kind: 'score' }, adapter });
    return { logps: logps.slice(), entropy: entropy.slice() };
  };
  const pulling = [...groups.entries()].filter(([, group]) => pulls(group));
  const prepared = await pipelined(pulling, PASSES_AHEAD, async ([g, { sample, completions: own }]): Promise<Pass> => {
    const packed = pack([{ prompt: sample.prompt, completions: own.map(({ tokens }) => tokens) }]);
    const features = context.samples.features([sample]);
    const logps = async (adapter: boolean) => (await score({ packed, features }, adapter)).logps;
    const sampled = own[0]!.old
      ? Float32Array.from(packed.entries, (e) => own[e.completion]!.old![e.index]!)
      : undefined;
    const [reference, old] = await Promise.all([
      stage.beta === 0 ? undefined : logps(false),
      sampled ?? (stage.numIterations > 1 ? logps(true) : undefined),
    ]);
    return {
      packed,
      features,
      weight: Float32Array.from(packed.entries, (e) => weights[starts[g]! + e.completion]!),
      advantage: Float32Array.from(packed.entries, (e) => own[e.completion]!.advantage),
      reference,
      old,
    };
  });
  let [loss, policyLoss] = [0, 0];
  let last = { learningRate: 0, gradNorm: 0 };
  const sums: PolicySums[] = [];
  for (let iteration = 0; iteration < stage.numIterations; iteration++) {
    optimizer.zeroGrad();
    const kept = mode.masked
      ? keptTokens(
          prepared,
          await pipelined(prepared, PASSES_AHEAD, async (pass) => (await score(pass, true)).entropy),
          stage.topEntropyQuantile ?? 1,
          idle.flatMap((group) => sampledEntropies(stage, group)),
        )
      : undefined;
    const shares = mode.entropyBonus ? entropyShares(prepared, kept, control.applied) : undefined;
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
        return context
          .scorer()
          .run(packed, features, { ...settings, mode: { ...mode, onPolicy: !old }, adapter: true }, inputs);
      },
    );
    const bonus = new Mean();
    passes.forEach((scores, g) => {
      const { packed, weight } = prepared[g]!;
      for (let i = 0; i < packed.entries.length; i++) {
        const term = scores.terms[4 * i]!;
        loss += term / stage.numIterations;
        policyLoss += (term + (shares?.[g]![i] ?? 0) * scores.entropy[i]!) / stage.numIterations;
        if (weight[i] !== 0) bonus.add(scores.entropy[i]!, kept?.[g]![i] ?? 1);
      }
      sums.push(...completionSums(packed, scores, weight, stage.beta !== 0));
    });
    sums.push(...idle.flatMap((group) => idleSums(stage, group)));
    last = await optimizer.step();
    if (mode.entropyBonus) control.observe(bonus.value);
  }
  return {
    loss,
    metrics: {
      ...policyMetrics(sums, mode.settings),
      ...(mode.entropyBonus && { policy_loss: policyLoss, entropy_coef: control.state.coefficient }),
    },
    ...last,
    skipped: idle.length,
  };
}

/** Σ share·value / Σ share, and 0 of nothing. */
class Mean {
  #sum = 0;
  #shares = 0;

  add(value: number, share: number): void {
    this.#sum += share * value;
    this.#shares += share;
  }

  get value(): number {
    return this.#sum / Math.max(1, this.#shares);
  }
}

const inLoss = (stage: GrpoStage, { completions }: PolicyGroup) =>
  completions.filter(({ truncated }) => !(stage.maskTruncatedCompletions && truncated));

/** Entropies of a group that has no pass, as they were when it was sampled. */
const sampledEntropies = (stage: GrpoStage, group: PolicyGroup): number[] =>
  inLoss(stage, group).flatMap(({ entropies }) => [...(entropies ?? [])]);

/** What a group without a pass adds to the metrics: its ratio is 1, so nothing of it is clipped. */
const idleSums = (stage: GrpoStage, group: PolicyGroup): PolicySums[] =>
  inLoss(stage, group).map(({ tokens, entropies }) => ({
    tokens: entropies ? tokens.length : 0,
    entropy: entropies?.reduce((a, b) => a + b, 0) ?? 0,
    kl: null,
    clippedLow: 0,
    clippedHigh: 0,
    coefficient: 1,
  }));

type Weighted = Pick<Pass, 'weight'>;

/**
 * 1 where a token's entropy is among the highest share `quantile` of all tokens in the loss (arXiv 2506.01939).
 * @param others entropies of tokens that have no pass and are compared with
 */
export function keptTokens(
  groups: readonly Weighted[],
  entropies: readonly Float32Array[],
  quantile: number,
  others: readonly number[] = [],
): Float32Array[] {
  const all = groups.flatMap(({ weight }, g) => [...entropies[g]!].filter((_, i) => weight[i] !== 0));
  const threshold = quantileOf([...all, ...others], 1 - quantile);
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
