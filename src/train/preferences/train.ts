/**
 * Learning from judged answers. Each item is scored with the adapter off, which is the reference, and with it on. The
 * loss says by how much each answer's log-probability should move, and a third pass moves it: a negative log-likelihood
 * with those weights, whose gradient is that of the loss.
 */
import { GroundworkError } from '../../base/error.ts';
import { pipelined } from '../../base/pipelined.ts';
import type { RowList } from '../../data/row-list.ts';
import { Optimizer } from '../optimizer.ts';
import { pack, type Packed } from '../pack.ts';
import { Batches, countSteps, RowSampler, type SamplerState } from '../plan-steps.ts';
import type { Sample } from '../samples.ts';
import { PASSES_AHEAD, type Scores } from '../scorer.ts';
import type { StageContext } from '../stage.ts';
import type { DpoStage } from '../stages/dpo.ts';
import type { KtoStage } from '../stages/kto.ts';
import type { PreferenceStage } from '../stages/preference.ts';
import {
  pairsOf,
  singlesOf,
  within,
  type JudgedAnswers,
  type PreferenceItem,
  type SingleItem,
} from './judged-answers.ts';
import { dpoObjective, ktoObjective, type AnswerScore, type KtoSettings, type Objective } from './objectives.ts';

interface Position {
  readonly step: number;
  readonly tokens: number;
  readonly sampler: SamplerState;
}

/** How a batch is learned from. */
export interface Method<I extends PreferenceItem> {
  /** Items of the next step, by their places. */
  draw(sampler: RowSampler): number[];
  /** Answers beside an item's own that its prompt is scored with. */
  beside(batch: readonly I[], i: number): readonly Uint32Array[];
  /** Slopes: of each item its own answers, in order. */
  objective(batch: readonly I[], scores: readonly (readonly AnswerScore[])[]): Objective;
}

export const dpoMethod = ({
  perDeviceTrainBatchSize,
  lossWeights,
  beta,
}: Pick<DpoStage, 'perDeviceTrainBatchSize' | 'lossWeights' | 'beta'>): Method<PreferenceItem> => ({
  draw: (sampler) => sampler.nextInEpoch(perDeviceTrainBatchSize),
  beside: () => [],
  objective: (_, scores) =>
    dpoObjective(
      scores.map(([chosen, rejected]) => ({ chosen: chosen!, rejected: rejected! })),
      lossWeights,
      beta,
    ),
});

export function ktoMethod(settings: KtoSettings & Pick<KtoStage, 'perDeviceTrainBatchSize'>): Method<SingleItem> {
  const mismatches = settings.lossType === 'kto';
  return {
    // Always as many: a last batch of one answer would have none of another prompt to be held against.
    draw: (sampler) => sampler.next(settings.perDeviceTrainBatchSize),
    beside: (batch, i) => (mismatches ? [batch.at(i - 1)!.answers[0]!] : []),
    objective: (batch, scores) =>
      ktoObjective(
        batch.map(({ desirable }, i) => ({ ...scores[i]![0]!, desirable })),
        mismatches ? scores.map(([, other]) => other!.logp - other!.reference) : [],
        settings,
      ),
  };
}

/** Trains a new adapter and leaves it attached. @throws GroundworkError `no-rows` */
export const runDpo = (stage: DpoStage, context: StageContext, judged: readonly JudgedAnswers[]): Promise<void> =>
  run(stage, context, pairsOf(judged), 'no prompt with a right and a wrong answer', dpoMethod(stage));

/** Trains a new adapter and leaves it attached. @throws GroundworkError `no-rows` */
export const runKto = (stage: KtoStage, context: StageContext, judged: readonly JudgedAnswers[]): Promise<void> =>
  run(stage, context, singlesOf(judged), 'no judged answer', ktoMethod(stage));

async function run<I extends PreferenceItem>(
  stage: PreferenceStage,
  context: StageContext,
  all: readonly I[],
  nothing: string,
  method: Method<I>,
): Promise<void> {
  const items = within(all, stage.maxCompletionLength);
  if (items.length < all.length && !context.resume)
    context.emit({
      type: 'notice',
      message: `${all.length - items.length} of ${all.length} items have an answer of more than ${stage.maxCompletionLength} tokens and were left out.`,
    });
  if (!items.length)
    throw new GroundworkError(
      'no-rows',
      all.length ? 'Every answer is too long.' : `Rejection sampling has handed on ${nothing}.`,
      all.length
        ? 'Raise the longest completion.'
        : 'Try more prompts, take more samples of each, or raise their temperature.',
    );
  const places = placesOf(context.train, items);
  const from = context.resume as Position | null;
  const adapter = from ? context.policy.learning() : context.policy.attach(stage.lora, context.seed);
  const { stepsPerEpoch, totalSteps } = countSteps(items.length, { ...stage, gradientAccumulationSteps: 1 });
  const optimizer = new Optimizer(context.policy.model.session, adapter, stage.optimizer, totalSteps);
  const batches = new Batches(new RowSampler(items.length, from?.sampler ?? context.seed), (sampler) =>
    method.draw(sampler),
  );
  const rowsOf = (batch: readonly number[]) => batch.map((i) => places.get(items[i]!.rowId)!);
  let tokens = from?.tokens ?? 0;
  try {
    if (from) context.restore?.(optimizer);
    if ((from?.step ?? 0) < totalSteps) context.samples.readAhead(context.train, rowsOf(batches.peek()));
    await context.compiled;
    for (let step = from?.step ?? 0; step < totalSteps; step++) {
      const position: Position = { step, tokens, sampler: batches.state };
      if (!(await context.gate({ position, optimizer }))) return;
      const started = performance.now();
      const drawn = batches.next();
      const samples = await context.samples.prepare(await context.train.read(rowsOf(drawn)));
      if (step + 1 < totalSteps) context.samples.readAhead(context.train, rowsOf(batches.peek()));
      const batch = drawn.map((i) => items[i]!);
      optimizer.zeroGrad();
      const update = await learn(stage, context, method, batch, samples);
      const { learningRate, gradNorm } = await optimizer.step();
      tokens += update.tokens;
      context.emit({
        type: 'metrics',
        values: {
          loss: update.objective.loss,
          ...update.objective.metrics,
          entropy: update.entropy,
          grad_norm: gradNorm,
          learning_rate: learningRate,
          epoch: (step + 1) / stepsPerEpoch,
          num_tokens: tokens,
          step_time: (performance.now() - started) / 1000,
        },
      });
      context.emit({ type: 'progress', done: step + 1, total: totalSteps, unit: 'steps' });
    }
  } finally {
    optimizer.destroy();
  }
}

/** Where each item's row is in the list. @throws GroundworkError `no-rows` for one that is gone */
function placesOf(train: RowList, items: readonly PreferenceItem[]): Map<string, number> {
  const wanted = new Set(items.map(({ rowId }) => rowId));
  const places = new Map<string, number>();
  for (let i = 0; i < train.length; i++) if (wanted.has(train.id(i))) places.set(train.id(i), i);
  const lost = [...wanted].find((id) => !places.has(id));
  if (lost !== undefined)
    throw new GroundworkError(
      'no-rows',
      `Row ${lost}, whose answers were judged, is not in the dataset.`,
      'Open the dataset that the run was started with.',
    );
  return places;
}

/** One batch: gradients are left in the adapter. */
export async function learn<I extends PreferenceItem>(
  stage: Pick<PreferenceStage, 'gradientCheckpointing'>,
  context: Pick<StageContext, 'samples' | 'scorer'>,
  method: Method<I>,
  batch: readonly I[],
  samples: readonly Sample[],
) {
  const settings = { temperature: 1, checkpoint: stage.gradientCheckpointing } as const;
  const scored = await pipelined(batch.keys(), PASSES_AHEAD, async (i) => {
    const packed = pack([
      { prompt: samples[i]!.prompt, completions: [...batch[i]!.answers, ...method.beside(batch, i)] },
    ]);
    const features = context.samples.features([samples[i]!]);
    const score = async (adapter: boolean) => {
      const { logps, entropy } = await context
        .scorer()
        .run(packed, features, { ...settings, mode: { kind: 'score' }, adapter });
      return { logps: logps.slice(), entropy: entropy.slice() };
    };
    const [reference, policy] = await Promise.all([score(false), score(true)]);
    return { packed, features, policy, answers: answerScores(packed, policy.logps, reference.logps) };
  });
  const objective = method.objective(
    batch,
    scored.map(({ answers }) => answers),
  );
  let at = 0;
  const passes = batch.map(({ answers: own }, i) => {
    const slopes = objective.slopes.slice(at, (at += own.length));
    const { packed } = scored[i]!;
    return { i, weight: Float32Array.from(packed.entries, ({ completion }) => -(slopes[completion] ?? 0)) };
  });
  await pipelined(passes, PASSES_AHEAD, ({ i, weight }): Promise<Scores> => {
    const { packed, features } = scored[i]!;
    return context.scorer().run(packed, features, { ...settings, mode: { kind: 'nll' }, adapter: true }, { weight });
  });
  let [entropy, count] = [0, 0];
  for (const [i, { packed, policy }] of scored.entries())
    packed.entries.forEach(({ completion }, e) => {
      if (completion >= batch[i]!.answers.length) return;
      entropy += policy.entropy[e]!;
      count++;
    });
  return { objective, entropy: entropy / count, tokens: scored.reduce((sum, { packed }) => sum + packed.length, 0) };
}

/** Sums over each completion's tokens, in f64. */
function answerScores(packed: Packed, logps: Float32Array, reference: Float32Array): AnswerScore[] {
  const scores: { logp: number; reference: number; tokens: number }[] = [];
  packed.entries.forEach(({ completion }, i) => {
    const score = (scores[completion] ??= { logp: 0, reference: 0, tokens: 0 });
    score.logp += logps[i]!;
    score.reference += reference[i]!;
    score.tokens++;
  });
  return scores;
}
