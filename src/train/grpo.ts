/**
 * Group Relative Policy Optimization (arXiv 2402.03300) with TRL's arithmetic and metric names: sample a group per
 * prompt, score by rules, normalise within the group, take a clipped policy-gradient step. The reference policy is the
 * policy with its adapter off. A group's completions share their prompt in rollout and in training (ops/attention.ts).
 */
import { GroundworkError } from '../base/error.ts';
import { pipelined } from '../base/pipelined.ts';
import type { RowList } from '../data/row-list.ts';
import { computeAdvantages, type Advantages } from './advantage.ts';
import type { Rollout } from './generate.ts';
import { policyMetrics, rolloutMetrics, type PolicySums } from './grpo-metrics.ts';
import { Optimizer } from './optimizer.ts';
import { pack, type Packed } from './pack.ts';
import { Batches, RowSampler, type SamplerState } from './plan-steps.ts';
import type { GrpoStage } from './recipe.ts';
import { scoreCompletion, weightedRewards } from './rewards/index.ts';
import type { Sample } from './samples.ts';
import { PASSES_AHEAD, type ScoreSettings, type Scores } from './scorer.ts';
import type { StageContext } from './stage.ts';

interface GrpoPosition {
  /** Generations of groups done; each is followed by `numIterations` optimizer steps. */
  readonly step: number;
  readonly tokens: number;
  readonly sampler: SamplerState;
}

/** Trains a new adapter (or goes on with the one attached) on `rows` and leaves it attached. Throws `no-rows`. */
export async function runGrpo(stage: GrpoStage, context: StageContext, rows: RowList): Promise<void> {
  if (!rows.length)
    throw new GroundworkError(
      'no-rows',
      'No prompt is left for RL.',
      'Loosen the rejection bounds, sample more prompts, or train SFT longer.',
    );
  const from = context.resume as GrpoPosition | null;
  const adapter = from ? context.policy.learning() : context.policy.attach(stage.lora, context.seed + 1);
  const optimizer = new Optimizer(
    context.policy.model.session,
    adapter,
    stage.optimizer,
    stage.maxSteps * stage.numIterations,
  );
  const batches = new Batches(new RowSampler(rows.length, from?.sampler ?? context.seed), (sampler) =>
    sampler.next(stage.promptsPerStep),
  );
  let tokens = from?.tokens ?? 0;
  try {
    if (from) context.restore?.(optimizer);
    if ((from?.step ?? 0) < stage.maxSteps) context.samples.readAhead(rows, batches.peek());
    await context.compiled;
    for (let step = from?.step ?? 0; step < stage.maxSteps; step++) {
      const position: GrpoPosition = { step, tokens, sampler: batches.state };
      if (!(await context.gate({ position, optimizer }))) return;
      const started = performance.now();
      const samples = await context.samples.prepare(await rows.read(batches.next()));
      if (step + 1 < stage.maxSteps) context.samples.readAhead(rows, batches.peek());
      const groups = await context.generator.generate(samples, {
        numGenerations: stage.numGenerations,
        sampling: stage.sampling,
        seed: context.seed * 100_003 + step,
      });
      const judged = judgeGroups(stage, context, samples, groups);
      const metrics = { ...rolloutMetrics(judged.completions, judged.advantages) };
      const update = await updatePolicy(stage, context, optimizer, samples, groups, judged.advantages.advantages);
      tokens +=
        samples.reduce((sum, s) => sum + s.prompt.tokens.length * stage.numGenerations, 0) +
        groups.flat().reduce((sum, r) => sum + r.tokens.length, 0);
      context.emit({
        type: 'metrics',
        values: {
          loss: update.loss,
          ...metrics,
          ...update.metrics,
          grad_norm: update.gradNorm,
          learning_rate: update.learningRate,
          num_tokens: tokens,
          step_time: (performance.now() - started) / 1000,
        },
      });
      context.emit({ type: 'progress', done: step + 1, total: stage.maxSteps, unit: 'steps' });
    }
  } finally {
    optimizer.destroy();
  }
}

function judgeGroups(
  stage: GrpoStage,
  context: StageContext,
  samples: readonly Sample[],
  groups: readonly (readonly Rollout[])[],
) {
  const rewards = weightedRewards(stage, stage.sampling);
  const scored = groups.map((group, g) =>
    group.map((rollout) => {
      const answer = context.samples.parse(samples[g]!, rollout.text);
      return { answer, ...scoreCompletion({ answer, tokens: rollout.tokens.length }, samples[g]!.row, rewards) };
    }),
  );
  const advantages: Advantages = computeAdvantages(
    scored.flat().map((s) => rewards.map((r) => s.rewards[r.name] ?? null)),
    rewards.map(({ weight }) => weight),
    stage.numGenerations,
    stage.scaleRewards,
  );
  groups.forEach((group, g) =>
    context.emit({
      type: 'group',
      rowId: samples[g]!.row.id,
      completions: group.map((rollout, i) => ({
        text: rollout.text,
        tokens: rollout.tokens.length,
        truncated: rollout.truncated,
        rewards: Object.fromEntries(
          Object.entries(scored[g]![i]!.rewards).map(([name, value]) => [name, value ?? NaN]),
        ),
        reward: scored[g]![i]!.reward ?? NaN,
        advantage: advantages.advantages[g * stage.numGenerations + i]!,
        answer: scored[g]![i]!.answer,
      })),
    }),
  );
  const completions = groups.flatMap((group, g) =>
    group.map((rollout, i) => ({
      tokens: rollout.tokens.length,
      truncated: rollout.truncated,
      rewards: scored[g]![i]!.rewards,
    })),
  );
  return { completions, advantages };
}

/** One group ready for the loss. */
interface TrainingGroup {
  readonly packed: Packed;
  readonly features: Float32Array<ArrayBuffer>;
  readonly weight: Float32Array;
  readonly advantage: Float32Array;
  readonly reference: Float32Array | undefined;
  readonly old: Float32Array | undefined;
}

async function updatePolicy(
  stage: GrpoStage,
  context: StageContext,
  optimizer: Optimizer,
  samples: readonly Sample[],
  groups: readonly (readonly Rollout[])[],
  advantages: readonly number[],
) {
  const settings: Omit<ScoreSettings, 'mode' | 'adapter'> = {
    temperature: stage.sampling.temperature,
    checkpoint: stage.gradientCheckpointing,
  };
  const weights = lossWeights(
    stage,
    groups.flat().map((r) => (stage.maskTruncatedCompletions && r.truncated ? 0 : r.tokens.length)),
    groups.flat().map((r) => r.tokens.length),
  );
  const G = stage.numGenerations;
  const sliceOf = (g: number) => advantages.slice(g * G, (g + 1) * G);
  // A group without differences pulls nowhere; only the KL term would, and it is kept if there is one.
  const pulling = [...samples.entries()].filter(([g]) => stage.beta !== 0 || sliceOf(g).some((a) => a !== 0));
  const prepared = await pipelined(pulling, PASSES_AHEAD, async ([g, sample]): Promise<TrainingGroup> => {
    const slice = sliceOf(g);
    const packed = pack([{ prompt: sample.prompt, completions: groups[g]!.map((r) => r.tokens) }]);
    const features = context.samples.features([sample]);
    const score = async (adapter: boolean) =>
      (await context.scorer().run(packed, features, { ...settings, mode: { kind: 'score' }, adapter })).logps.slice();
    const [reference, old] = await Promise.all([
      stage.beta === 0 ? undefined : score(false),
      stage.numIterations > 1 ? score(true) : undefined,
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
    const passes = await pipelined(prepared, PASSES_AHEAD, ({ packed, features, weight, advantage, reference, old }) =>
      context.scorer().run(
        packed,
        features,
        {
          ...settings,
          mode: {
            kind: 'policy',
            epsilon: stage.epsilon,
            epsilonHigh: stage.epsilonHigh,
            beta: stage.beta,
            klRatio: stage.useBiasCorrectionKl,
            entropyCoef: stage.entropyCoef,
            onPolicy: !old,
          },
          adapter: true,
        },
        { weight, advantage, ...(reference && { reference }), ...(old && { old }) },
      ),
    );
    passes.forEach((scores, g) => {
      const { packed, weight } = prepared[g]!;
      for (let i = 0; i < packed.entries.length; i++) loss += scores.terms[4 * i]! / stage.numIterations;
      sums.push(...completionSums(packed, scores, weight, stage.beta !== 0));
    });
    last = await optimizer.step();
  }
  return { loss, metrics: policyMetrics(sums), ...last };
}

/**
 * The share of each completion's tokens in the loss (TRL's aggregation over the whole step):
 * grpo 1/(B·length), dapo 1/(all unmasked tokens), dr_grpo 1/(B·max completion length); 0 where masked.
 * @param active tokens in the loss, per completion; `lengths` all tokens
 */
export function lossWeights(
  stage: Pick<GrpoStage, 'lossType' | 'sampling'>,
  active: readonly number[],
  lengths: readonly number[],
): number[] {
  const B = active.length;
  const total = Math.max(
    1,
    active.reduce((a, b) => a + b, 0),
  );
  return active.map((n, i) => {
    if (n === 0) return 0;
    if (stage.lossType === 'grpo') return 1 / (B * lengths[i]!);
    return stage.lossType === 'dapo' ? 1 / total : 1 / (B * stage.sampling.maxCompletionLength);
  });
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
      ({ tokens: 0, entropy: 0, kl: withKl ? 0 : null, clippedLow: 0, clippedHigh: 0 }) as {
        -readonly [K in keyof PolicySums]: PolicySums[K];
      },
  );
  packed.entries.forEach(({ completion }, i) => {
    if (weight[i] === 0) return;
    const sum = sums[completion]!;
    sum.tokens++;
    sum.entropy += entropy[i]!;
    if (sum.kl !== null) sum.kl += terms[4 * i + 1]!;
    if (terms[4 * i + 3]! < 0) sum.clippedLow++;
    if (terms[4 * i + 3]! > 0) sum.clippedHigh++;
  });
  return sums;
}
