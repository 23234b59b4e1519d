/**
 * How rows become optimizer steps: how many steps a run has, in which order rows come, and which rows share a forward
 * pass. Counting follows transformers' Trainer; the order is ours (base/random) and resumable in the middle of an
 * epoch. Nothing here knows what a row contains, only how many there are and how long they are.
 */
import { GroundworkError } from '../base/error.ts';
import { Random, type RandomState } from '../base/random.ts';
import type { SftStage } from './recipe.ts';

export interface StepCount {
  /** Optimizer steps of one pass over the rows; the last one may see fewer rows. */
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/** Optimizer steps of a stage. Source: transformers 5.18 `Trainer.set_initial_training_values`. */
export function countSteps(
  rows: number,
  stage: Pick<SftStage, 'perDeviceTrainBatchSize' | 'gradientAccumulationSteps' | 'maxSteps' | 'numTrainEpochs'>,
): StepCount {
  const microBatches = Math.ceil(rows / stage.perDeviceTrainBatchSize);
  const stepsPerEpoch = Math.max(1, Math.ceil(microBatches / stage.gradientAccumulationSteps));
  return {
    stepsPerEpoch,
    totalSteps: stage.maxSteps > 0 ? stage.maxSteps : Math.ceil(stage.numTrainEpochs * stepsPerEpoch),
  };
}

/** Where a sampler stands: plain data, for a checkpoint. */
export interface SamplerState {
  /** Whole passes finished. */
  readonly epoch: number;
  /** Rows already given in this pass. */
  readonly position: number;
  /** The generator as it was before this pass was shuffled. */
  readonly random: RandomState;
}

/** Endless row indices, every pass shuffled anew. Resuming from `state` continues with exactly the same rows. */
export class RowSampler {
  readonly #count: number;
  readonly #pass: (epoch: number) => number[];
  #epoch = 0;
  #position = 0;
  #before: RandomState;
  #random: Random;
  #order: number[] = [];

  /**
   * `count` rows; a seed to begin, a state to go on. Throws `no-rows`, or `sampler-state` for another dataset's state.
   * @param pass which rows a pass has, `count` of them; by default each once
   */
  constructor(count: number, from: number | SamplerState, pass?: (epoch: number) => number[]) {
    if (count <= 0)
      throw new GroundworkError(
        'no-rows',
        'There are no rows to train on.',
        'Check the dataset’s training split, or widen the bounds of rejection sampling.',
      );
    this.#count = count;
    this.#pass = pass ?? (() => Array.from({ length: count }, (_, i) => i));
    if (typeof from !== 'number') this.#epoch = from.epoch;
    this.#random = new Random(typeof from === 'number' ? from : from.random);
    this.#before = this.#random.state;
    this.#shuffle();
    if (typeof from === 'number') return;
    if (from.position < 0 || from.position > count)
      throw new GroundworkError(
        'sampler-state',
        `The checkpoint is at row ${from.position} of a pass, but the dataset has ${count} rows.`,
        'Resume with the dataset that the run was started with.',
      );
    this.#position = from.position;
  }

  /** Rows given since the beginning: the number of the next draw. */
  get drawn(): number {
    return this.#epoch * this.#count + this.#position;
  }

  get state(): SamplerState {
    return { epoch: this.#epoch, position: this.#position, random: this.#before };
  }

  /** The next at most `n` indices, never past the end of a pass: an optimizer step's rows, as Trainer counts them. */
  nextInEpoch(n: number): number[] {
    if (this.#position >= this.#count) this.#advance();
    const taken = this.#order.slice(this.#position, this.#position + n);
    this.#position += taken.length;
    return taken;
  }

  /** The next `n` indices, running on into the next pass: prompts of a GRPO step, which has always the same size. */
  next(n: number): number[] {
    const taken: number[] = [];
    while (taken.length < n) taken.push(...this.nextInEpoch(n - taken.length));
    return taken;
  }

  #advance(): void {
    this.#epoch++;
    this.#position = 0;
    this.#before = this.#random.state;
    this.#shuffle();
  }

  #shuffle(): void {
    this.#order = this.#random.shuffle(this.#pass(this.#epoch));
  }
}

/** Batches in a sampler's order, of which the next can be known before its turn. */
export class Batches {
  readonly #sampler: RowSampler;
  readonly #draw: (sampler: RowSampler) => number[];
  #ahead: { readonly before: SamplerState; readonly drawn: number; readonly places: number[] } | null = null;

  constructor(sampler: RowSampler, draw: (sampler: RowSampler) => number[]) {
    this.#sampler = sampler;
    this.#draw = draw;
  }

  /** Where the sampler stands before the next batch, known already or not: a run that goes on from here begins with it. */
  get state(): SamplerState {
    return this.#ahead?.before ?? this.#sampler.state;
  }

  /** The number of the first draw of the next batch. */
  get drawn(): number {
    return this.#ahead?.drawn ?? this.#sampler.drawn;
  }

  next(): number[] {
    const places = this.peek();
    this.#ahead = null;
    return places;
  }

  /** What `next` will give. */
  peek(): number[] {
    const { state: before, drawn } = this.#sampler;
    this.#ahead ??= { before, drawn, places: this.#draw(this.#sampler) };
    return this.#ahead.places;
  }
}
