/**
 * Group Relative Policy Optimization (arXiv 2402.03300) with TRL's arithmetic and metric names: sample a group per
 * prompt, score by rules, normalise within the group, take a clipped policy-gradient step. The reference policy is the
 * policy with its adapter off. A group's completions share their prompt in rollout and in training (ops/attention.ts).
 */
import { GroundworkError } from '../base/error.ts';
import type { RowList } from '../data/row-list.ts';
import { computeAdvantages, type Advantages } from './advantage.ts';
import type { Rollout } from './generate.ts';
import { rolloutMetrics } from './grpo-metrics.ts';
import { Optimizer } from './optimizer.ts';
import { Batches, RowSampler, type SamplerState } from './plan-steps.ts';
import { updatePolicy } from './policy-update.ts';
import type { GrpoStage } from './recipe.ts';
import { scoreCompletion, weightedRewards } from './rewards/index.ts';
import type { Sample } from './samples.ts';
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
      'No prompt is left for reinforcement learning.',
      'Widen the bounds of rejection sampling, sample more prompts, or train SFT longer.',
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
