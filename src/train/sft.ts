/**
 * Supervised fine-tuning on answers only, each of a conversation: the loss is the mean negative log-likelihood over
 * their tokens and the ends of their turns, of the whole accumulated batch, as transformers' Trainer counts it (num_items_in_batch).
 */
import { subject } from '../base/counts.ts';
import { GroundworkError } from '../base/error.ts';
import { pipelined } from '../base/pipelined.ts';
import { nextTurn } from '../base/turn.ts';
import { span, subset, type RowList } from '../data/row-list.ts';
import { Draws, mixtureWords, Unvaried } from './draws.ts';
import { HeldoutLoss } from './heldout-loss.ts';
import { Optimizer } from './optimizer.ts';
import { groupRows, pack, type PackedGroup } from './pack.ts';
import { Batches, countSteps, RowSampler, type SamplerState } from './plan-steps.ts';
import type { SftStage } from './recipe.ts';
import { TAUGHT, type Sample } from './samples.ts';
import { PASSES_AHEAD } from './scorer.ts';
import type { StageContext } from './stage.ts';

interface SftPosition {
  /** Optimizer steps done. */
  readonly step: number;
  readonly tokens: number;
  readonly sampler: SamplerState;
}

const were = (n: number): string => (n === 1 ? 'was' : 'were');

/** Rows that are read and encoded together before the first step. */
const ROWS_AT_ONCE = 32;

/** Trains a new adapter (or goes on with the one attached) and leaves it attached. Throws `no-rows` when no row can be trained on. */
export async function runSft(stage: SftStage, context: StageContext): Promise<void> {
  const rows = await trainable(stage, context);
  if (!rows) return;
  const draws = new Draws(rows, context.draw, context.seed, context.samples, true);
  if (draws.mixture && !context.resume) context.emit({ type: 'notice', message: mixtureWords(draws.mixture.groups) });
  const from = context.resume as SftPosition | null;
  const adapter = from ? context.policy.learning() : context.policy.attach(stage.lora, context.seed);
  const { stepsPerEpoch, totalSteps } = countSteps(rows.length, stage);
  const optimizer = new Optimizer(context.policy.model.session, adapter, stage.optimizer, totalSteps);
  const sampler = new RowSampler(rows.length, from?.sampler ?? context.seed, draws.pass);
  const batches = new Batches(sampler, (drawing) =>
    drawing.nextInEpoch(stage.perDeviceTrainBatchSize * stage.gradientAccumulationSteps),
  );
  const heldout = new HeldoutLoss(stage, context);
  let tokens = from?.tokens ?? 0;
  try {
    if (from) context.restore?.(optimizer);
    if ((from?.step ?? 0) < totalSteps) context.samples.readAhead(draws.ahead(batches.drawn), batches.peek());
    await context.compiled;
    for (let step = from?.step ?? 0; step < totalSteps; step++) {
      const position: SftPosition = { step, tokens, sampler: batches.state };
      if (!(await context.gate({ position, optimizer }))) return;
      const started = performance.now();
      const first = batches.drawn;
      const samples = await context.samples.prepare(await draws.read(batches.next(), first), TAUGHT);
      if (step + 1 < totalSteps) context.samples.readAhead(draws.ahead(batches.drawn), batches.peek());
      const result = await accumulate(stage, context, optimizer, samples);
      const { learningRate, gradNorm } = await optimizer.step();
      tokens += result.tokens;
      const seconds = (performance.now() - started) / 1000;
      const measured = await heldout.after(step + 1, totalSteps);
      context.emit({
        type: 'metrics',
        values: {
          loss: result.loss,
          entropy: result.entropy,
          mean_token_accuracy: result.correct,
          grad_norm: gradNorm,
          learning_rate: learningRate,
          epoch: (step + 1) / stepsPerEpoch,
          num_tokens: tokens,
          step_time: seconds,
          ...measured,
        },
      });
      context.emit({ type: 'progress', done: step + 1, total: totalSteps, unit: 'steps' });
    }
  } finally {
    optimizer.destroy();
  }
}

/**
 * Rows with a target that fit; the others are reported, never cut. All are encoded to know: the order of a pass is drawn
 * over these, and a row that cannot be encoded is told before the first step. Null: stopped meanwhile.
 */
async function trainable(stage: SftStage, context: StageContext): Promise<RowList | null> {
  const usable: number[] = [];
  let long = 0;
  let without = 0;
  let unlearnt = 0;
  let thoughtless = 0;
  let unthought = 0;
  const unvaried = new Unvaried(context.draw);
  const { prompting } = context.samples;
  const { length } = context.train;
  for (let start = 0; start < length; start += ROWS_AT_ONCE) {
    if (!(await context.turn())) return null;
    const places = span(context.train, start, start + ROWS_AT_ONCE);
    const samples = await context.samples.encode(await context.train.read(places), TAUGHT);
    for (const { row } of samples) unvaried.see(row);
    samples.forEach(({ row, form, prompt, completion, unlearnt: earlier }, i) => {
      if (!stage.onlyThoughts && form === 'answer' && prompting?.formOf(row, false) === 'think') thoughtless++;
      if (earlier > 0) unlearnt++;
      if (stage.onlyThoughts && row.think === undefined) unthought++;
      else if (!completion.length) without++;
      else if (stage.maxLength > 0 && prompt.tokens.length + completion.length > stage.maxLength) long++;
      else usable.push(places[i]!);
    });
    tellEncoded(context, start, places.length);
    // Files in memory are read without waiting; meanwhile kernels are to be handed to the driver.
    await nextTurn();
  }
  if (long && !context.resume)
    context.emit({
      type: 'notice',
      message: `${subject(long, 'row', 'is', 'are')} longer than ${stage.maxLength} tokens and ${were(long)} left out.`,
    });
  if (unthought && !context.resume)
    context.emit({
      type: 'notice',
      message: `${subject(unthought, 'row', 'has', 'have')} no thought and ${were(unthought)} left out.`,
    });
  if (without && !context.resume)
    context.emit({
      type: 'notice',
      message: `${subject(without, 'row', 'has', 'have')} no target and ${were(without)} left out.`,
    });
  if (unlearnt && !context.resume)
    context.emit({
      type: 'notice',
      message: `${subject(unlearnt, 'row', 'has', 'have')} earlier answers that this model’s chat template rewrites: those answers are shown, and not learned.`,
    });
  if (thoughtless && !context.resume)
    context.emit({
      type: 'notice',
      message: `${thoughtless} rows have no thought. They are asked for the answer alone here, although the prompt of the recipe would have them think first.`,
    });
  if (!context.resume) for (const message of unvaried.words()) context.emit({ type: 'notice', message });
  if (!usable.length)
    throw new GroundworkError(
      'no-rows',
      'No training row can be used.',
      'Raise max_length, or check that the rows have an assistant turn.',
    );
  return subset(context.train, usable);
}

/** At each hundredth of the rows: a run's log keeps what is told. */
function tellEncoded({ train, emit }: StageContext, start: number, count: number): void {
  const hundredth = (rows: number) => Math.floor((100 * rows) / train.length);
  const done = start + count;
  if (hundredth(done) > hundredth(start))
    emit({ type: 'progress', done, total: train.length, unit: 'rows encoded', preparing: true });
}

const countLearnt = (mask: Uint8Array): number => mask.reduce((sum, one) => sum + one, 0);

/** Forward and backward over micro-batches; gradients are left in the adapter. */
async function accumulate(stage: SftStage, context: StageContext, optimizer: Optimizer, samples: readonly Sample[]) {
  const total = samples.reduce((sum, s) => sum + s.completion.length + countLearnt(s.learnt), 0);
  optimizer.zeroGrad();
  const size = stage.perDeviceTrainBatchSize;
  const starts = Array.from({ length: Math.ceil(samples.length / size) }, (_, i) => i * size);
  const passes = await pipelined(starts, PASSES_AHEAD, async (start) => {
    const part = samples.slice(start, start + size);
    const groups: PackedGroup[] = part.map((s) => ({
      prompt: s.prompt,
      completions: [s.completion],
      learnt: s.learnt,
    }));
    const packed = pack(groups);
    const scores = await context.scorer().run(
      packed,
      context.samples.features(part),
      {
        mode: { kind: 'nll' },
        temperature: 1,
        adapter: true,
        checkpoint: stage.gradientCheckpointing,
        dropout: stage.lora.loraDropout,
      },
      {
        weight: new Float32Array(packed.entries.length).fill(1 / total),
        seed: context.seed + (optimizer.steps * samples.length + start),
      },
    );
    return { groups, packed, scores };
  });
  let loss = 0;
  let entropy = 0;
  let correct = 0;
  let tokens = 0;
  for (const { groups, packed, scores } of passes) {
    for (let i = 0; i < packed.entries.length; i++) {
      loss += scores.terms[4 * i]!;
      entropy += scores.entropy[i]! / total;
      correct += scores.correct[i]! / total;
    }
    tokens += groups.reduce((sum, g) => sum + groupRows(g) + 1, 0);
  }
  return { loss, entropy, correct, tokens };
}
