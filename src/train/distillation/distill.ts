/**
 * Self-distillation: the policy answers, and learns at each token of its answers what it would have said had it been
 * told more. Told the row's right answer it is SDFT (arXiv 2601.19897), told another answer that was right it is SDPO
 * (arXiv 2601.20802). Pictures stay in the teacher's prompt as they are in the student's, however many there are.
 */
import { GroundworkError } from '../../base/error.ts';
import type { RowList } from '../../data/row-list.ts';
import { answerMetrics } from '../answer-metrics.ts';
import { Draws, mixtureWords } from '../draws.ts';
import type { Rollout } from '../generate.ts';
import { rolloutMetrics } from '../grpo-metrics.ts';
import { Optimizer } from '../optimizer.ts';
import { Batches, RowSampler, type SamplerState } from '../plan-steps.ts';
import { succeeds } from '../rewards/index.ts';
import type { Sample } from '../samples.ts';
import type { StageContext } from '../stage.ts';
import type { DistillStage } from '../stages/distill.ts';
import { AverageTeacher } from './average-teacher.ts';
import { distil, type DistilledGroup, type Teacher } from './learn.ts';
import { successFor, withSuccess, withTruth } from './teacher-prompt.ts';

interface Position {
  readonly step: number;
  readonly tokens: number;
  readonly sampler: SamplerState;
}

/** Trains a new adapter on `rows` and leaves it attached. Throws `no-rows`. */
export async function runDistill(stage: DistillStage, context: StageContext, rows: RowList): Promise<void> {
  if (!rows.length)
    throw new GroundworkError(
      'no-rows',
      'No prompt is left for self-distillation.',
      'Widen the bounds of rejection sampling, or sample more prompts.',
    );
  const from = context.resume as Position | null;
  const adapter = from ? context.policy.learning() : context.policy.attach(stage.lora, context.seed + 1);
  const { session } = context.policy.model;
  const average =
    stage.teacherModelKind === 'ema' ? new AverageTeacher(context.policy, adapter, stage.teacherUpdateRate) : null;
  const teacher: Teacher = average ?? { scorer: context.scorer, adapter: stage.teacherModelKind === 'live' };
  const optimizer = new Optimizer(
    session,
    adapter,
    stage.optimizer,
    stage.maxSteps * stage.numIterations,
    average?.average.parameters,
  );
  const draws = new Draws(rows, context.draw, context.seed, context.samples, false);
  if (draws.mixture && !from) context.emit({ type: 'notice', message: mixtureWords(draws.mixture.groups) });
  const sampler = new RowSampler(rows.length, from?.sampler ?? context.seed, draws.pass);
  const batches = new Batches(sampler, (drawing) => drawing.next(stage.promptsPerStep));
  let tokens = from?.tokens ?? 0;
  try {
    if (from) context.restore?.(optimizer);
    if ((from?.step ?? 0) < stage.maxSteps) context.samples.readAhead(rows, batches.peek());
    await context.compiled;
    for (let step = from?.step ?? 0; step < stage.maxSteps; step++) {
      const position: Position = { step, tokens, sampler: batches.state };
      if (!(await context.gate({ position, optimizer }))) return;
      const started = performance.now();
      const samples = await context.samples.prepare(await rows.read(batches.next()));
      if (step + 1 < stage.maxSteps) context.samples.readAhead(rows, batches.peek());
      const rollouts = await context.generator.generate(samples, {
        numGenerations: stage.numGenerations,
        sampling: stage.sampling,
        seed: context.seed * 100_003 + step,
      });
      const judged = samples.map((sample, g) => judge(stage, context, sample, rollouts[g]!));
      const groups: DistilledGroup[] = [];
      for (const [g, sample] of samples.entries())
        groups.push(await told(stage, context, sample, rollouts[g]!, judged[g]!.right));
      let [loss, tokenLoss, entropy] = [0, 0, 0];
      let last = { learningRate: 0, gradNorm: 0 };
      let sampled: readonly Float32Array[] | null = null;
      for (let iteration = 0; iteration < stage.numIterations; iteration++) {
        optimizer.zeroGrad();
        const update = await distil(stage, context, teacher, groups, sampled);
        sampled ??= update.sampled;
        loss += update.loss / stage.numIterations;
        tokenLoss += update.tokenLoss / stage.numIterations;
        if (iteration === 0) entropy = update.entropy;
        last = await optimizer.step();
        if (optimizer.steps % stage.teacherSyncSteps === 0) average?.follow();
      }
      tokens += groups.reduce(
        (sum, { sample, completions }) =>
          sum + completions.reduce((n, { length }) => n + sample.prompt.tokens.length + length, 0),
        0,
      );
      context.emit({
        type: 'metrics',
        values: {
          loss,
          'self_distillation/distillation_loss': tokenLoss,
          ...sharesTaught(groups, judged),
          ...completionMetrics(rollouts, judged),
          ...answerMetrics(
            judged.flatMap(({ answers }, g) => answers.map((answer) => ({ answer, row: samples[g]!.row }))),
          ),
          entropy,
          grad_norm: last.gradNorm,
          learning_rate: last.learningRate,
          num_tokens: tokens,
          step_time: (performance.now() - started) / 1000,
        },
      });
      context.emit({ type: 'progress', done: step + 1, total: stage.maxSteps, unit: 'steps' });
    }
  } finally {
    optimizer.destroy();
    average?.destroy();
  }
}

/** What was read in a group's answers, and which of them are right; tells the group. */
function judge(stage: DistillStage, context: StageContext, sample: Sample, rollouts: readonly Rollout[]) {
  const answers = rollouts.map(({ text }) => context.samples.parse(sample, text));
  const right = answers.map((answer, i) => !rollouts[i]!.truncated && succeeds(answer, sample.row, stage.iouThreshold));
  context.emit({
    type: 'group',
    rowId: sample.row.id,
    completions: rollouts.map(({ text, tokens, truncated }, i) => ({
      text,
      tokens: tokens.length,
      truncated,
      rewards: { success: Number(right[i]) },
      reward: Number(right[i]),
      advantage: 0,
      answer: answers[i]!,
    })),
  });
  return { answers, right };
}

/** A group with the prompts of its teachers, encoded. */
async function told(
  stage: DistillStage,
  { samples }: Pick<StageContext, 'samples'>,
  sample: Sample,
  rollouts: readonly Rollout[],
  right: readonly boolean[],
): Promise<DistilledGroup> {
  const completions = rollouts.map(({ tokens }) => tokens);
  if (stage.privilegedContext === 'truth') {
    const [teacher] = await samples.encode([withTruth(sample.row)], { form: sample.form });
    return { sample, completions, teachers: [{ sample: teacher!, completions: completions.map((_, i) => i) }] };
  }
  const shown = successFor(right);
  const teachers: DistilledGroup['teachers'][number][] = [];
  for (const demo of new Set(shown)) {
    if (demo === null) continue;
    const [teacher] = await samples.encode([withSuccess(sample.row, rollouts[demo]!.text)], { form: sample.form });
    teachers.push({ sample: teacher!, completions: shown.flatMap((of, i) => (of === demo ? [i] : [])) });
  }
  return { sample, completions, teachers };
}

type Judged = ReturnType<typeof judge>;

const sharesTaught = (groups: readonly DistilledGroup[], judged: readonly Judged[]) => ({
  'self_distillation/success_group_fraction': judged.filter(({ right }) => right.includes(true)).length / judged.length,
  'self_distillation/reprompt_sample_fraction':
    groups.reduce((sum, { teachers }) => sum + teachers.reduce((n, { completions }) => n + completions.length, 0), 0) /
    groups.reduce((sum, { completions }) => sum + completions.length, 0),
});

/** Lengths of completions, and how many are right as a reward. */
function completionMetrics(rollouts: readonly (readonly Rollout[])[], judged: readonly Judged[]) {
  const right = judged.map((group) => group.right.map(Number));
  const alike = right.filter((group) => new Set(group).size === 1).length;
  return rolloutMetrics(
    rollouts.flatMap((group, g) =>
      group.map(({ tokens, truncated }, i) => ({
        tokens: tokens.length,
        truncated,
        rewards: { success: right[g]![i]! },
      })),
    ),
    {
      rewards: right.flat(),
      advantages: right.flat().map(() => 0),
      fracRewardZeroStd: alike / right.length,
    },
  );
}
