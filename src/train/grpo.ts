/**
 * Group Relative Policy Optimization (arXiv 2402.03300) with TRL's arithmetic and metric names: sample a group per
 * prompt, score by rules, normalise within the group, take a clipped policy-gradient step. The reference policy is the
 * policy with its adapter off. A group's completions share their prompt in rollout and in training (ops/attention.ts).
 */
import { GroundworkError } from '../base/error.ts';
import { Random } from '../base/random.ts';
import type { RowList } from '../data/row-list.ts';
import { Draws, mixtureWords } from './draws.ts';
import { EntropyControl, type EntropyState } from './entropy-control.ts';
import { rolloutMetrics } from './grpo-metrics.ts';
import { Optimizer } from './optimizer.ts';
import { Batches, RowSampler, type SamplerState } from './plan-steps.ts';
import { updatePolicy } from './policy-update.ts';
import type { GrpoStage } from './recipe.ts';
import { ReplayBuffer, type ReplayedGroup } from './replay-buffer.ts';
import { drawGroups } from './rollout-groups.ts';
import { usesCode } from './rewards/index.ts';
import { ownRule } from './rewards/own-code.ts';
import type { StageContext } from './stage.ts';

interface GrpoPosition {
  /** Generations of groups done; each is followed by `numIterations` optimizer steps. */
  readonly step: number;
  readonly tokens: number;
  readonly sampler: SamplerState;
  /** Of an adaptive entropy bonus. */
  readonly entropy?: EntropyState;
  readonly replay?: readonly ReplayedGroup[];
}

/** Trains a new adapter (or goes on with the one attached) on `rows` and leaves it attached. Throws `no-rows`. */
export async function runGrpo(stage: GrpoStage, context: StageContext, rows: RowList): Promise<void> {
  if (!rows.length)
    throw new GroundworkError(
      'no-rows',
      'No prompt is left for reinforcement learning.',
      'Widen the bounds of rejection sampling, sample more prompts, or train SFT longer.',
    );
  const own = usesCode(stage) ? await ownRule(stage.rewardCode!) : null;
  const from = context.resume as GrpoPosition | null;
  const adapter = from ? context.policy.learning() : context.policy.attach(stage.lora, context.seed + 1);
  const optimizer = new Optimizer(
    context.policy.model.session,
    adapter,
    stage.optimizer,
    stage.maxSteps * stage.numIterations,
  );
  const draws = new Draws(rows, context.draw, context.seed, context.samples, false);
  if (draws.mixture && !from) context.emit({ type: 'notice', message: mixtureWords(draws.mixture.groups) });
  const sampler = new RowSampler(rows.length, from?.sampler ?? context.seed, draws.pass);
  const batches = new Batches(sampler, (drawing) => drawing.next(stage.promptsPerStep));
  const control = new EntropyControl(stage, from?.entropy);
  const buffer = stage.replayBufferSize ? new ReplayBuffer(stage.replayBufferSize, from?.replay) : null;
  let tokens = from?.tokens ?? 0;
  try {
    if (from) context.restore?.(optimizer);
    if ((from?.step ?? 0) < stage.maxSteps) context.samples.readAhead(rows, batches.peek());
    await context.compiled;
    for (let step = from?.step ?? 0; step < stage.maxSteps; step++) {
      const position: GrpoPosition = {
        step,
        tokens,
        sampler: batches.state,
        entropy: control.state,
        ...(buffer && { replay: buffer.state }),
      };
      if (!(await context.gate({ position, optimizer }))) return;
      const started = performance.now();
      const random = new Random(context.seed * 100_003 + step);
      const drawn = await drawGroups(stage, context, rows, batches, { step, buffer, random, own });
      const update = await updatePolicy(stage, context, optimizer, control, drawn.groups);
      tokens += drawn.tokens;
      context.emit({
        type: 'metrics',
        values: {
          loss: update.loss,
          ...rolloutMetrics(drawn.completions, drawn.advantages),
          ...drawn.answers,
          ...update.metrics,
          frac_groups_dropped: (drawn.sampled - drawn.groups.length + update.skipped) / drawn.sampled,
          ...(buffer && { frac_groups_replayed: drawn.replayed }),
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
