/** AdamW for one adapter: moments on the GPU, a step in three dispatches, the learning rate from the schedule. */
import type { Program } from '../gpu/program.ts';
import { Recorder, type Session } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Adapter } from '../nn/adapter.ts';
import { adamwControl, adamwStep, CONTROL_SIZE } from '../ops/adamw.ts';
import type { OptimizerSettings } from './recipe.ts';
import { learningRateAt } from './schedule.ts';

/** What a step depends on besides parameters and gradients; arenas as the adapter lays its parameters out. */
export interface OptimizerState {
  readonly step: number;
  readonly mean: Float32Array;
  readonly square: Float32Array;
  /** Of parameters that are averaged beside them. */
  readonly average?: Float32Array;
}

export class Optimizer {
  readonly #session: Session;
  readonly #settings: OptimizerSettings;
  readonly #totalSteps: number;
  readonly #mean: Tensor;
  readonly #square: Tensor;
  readonly #control: Tensor;
  readonly #norm: Tensor;
  readonly #program: Program;
  readonly #clear: Program;
  /** An average of the parameters that is kept with the moments; null: there is none. */
  readonly #average: Tensor | null;
  #step = 0;

  constructor(
    session: Session,
    adapter: Adapter,
    settings: OptimizerSettings,
    totalSteps: number,
    average: Tensor | null = null,
  ) {
    this.#average = average;
    this.#session = session;
    this.#settings = settings;
    this.#totalSteps = totalSteps;
    const shape = adapter.parameters.shape;
    this.#mean = session.resident('adam mean', shape);
    this.#square = session.resident('adam square', shape);
    this.#control = session.resident('adam control', [CONTROL_SIZE]);
    this.#norm = session.resident('gradient norm²', [1]);
    const rec = new Recorder(session, 'adamw');
    adamwStep(rec, {
      parameter: adapter.parameters,
      gradient: adapter.gradients,
      mean: this.#mean,
      square: this.#square,
      control: this.#control,
      norm: this.#norm,
    });
    this.#program = rec.finish();
    const clear = new Recorder(session, 'zero gradients');
    clear.clear(adapter.gradients);
    this.#clear = clear.finish();
  }

  /** Steps done. */
  get steps(): number {
    return this.#step;
  }

  /** Both moments, to be read back: mean, square; then the average, where there is one. */
  get moments(): readonly [mean: Tensor, square: Tensor, ...average: readonly Tensor[]] {
    return [this.#mean, this.#square, ...(this.#average ? [this.#average] : [])];
  }

  /** Goes on from where another optimizer of the same adapter stood. */
  restore({ step, mean, square, average }: OptimizerState): void {
    this.#session.write(this.#mean, mean);
    this.#session.write(this.#square, square);
    if (this.#average && average) this.#session.write(this.#average, average);
    this.#step = step;
  }

  zeroGrad(): void {
    this.#clear.run();
  }

  /** Updates the adapter from its accumulated gradients. Returns the learning rate used and the norm before clipping. */
  async step(): Promise<{ learningRate: number; gradNorm: number }> {
    const { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon, weightDecay, maxGradNorm } = this.#settings;
    const learningRate = learningRateAt(this.#step, this.#totalSteps, this.#settings);
    this.#step++;
    this.#session.write(
      this.#control,
      adamwControl({ learningRate, beta1, beta2, epsilon, weightDecay, maxGradNorm, step: this.#step }),
    );
    this.#program.run();
    const [norm] = await this.#program.read(this.#norm);
    return { learningRate, gradNorm: Math.sqrt(norm![0]!) };
  }

  destroy(): void {
    this.#session.release(this.#mean, this.#square, this.#control, this.#norm);
    this.#program.destroy();
    this.#clear.destroy();
  }
}
