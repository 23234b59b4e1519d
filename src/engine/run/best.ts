/** Which step of a stage was best by a metric of its curves, and how long that was ago. */
import type { BestState } from '../keep/best-state.ts';
import type { HeldoutSettings } from '../../train/stages/heldout.ts';

const NONE: BestState = { value: null, step: 0, worse: 0, measuredAt: 0 };

export class Best {
  readonly #settings: HeldoutSettings;
  #state: BestState;
  #improved = false;

  constructor(settings: HeldoutSettings, state: BestState = NONE) {
    this.#settings = settings;
    this.#state = state;
    // A run that was cut off between a measurement and its checkpoint keeps that one still.
    this.#improved = state.unkept ?? false;
  }

  get state(): BestState {
    const { unkept: _, ...state } = this.#state;
    return this.#improved ? { ...state, unkept: true } : state;
  }

  get metric(): { readonly name: string; readonly value: number } | null {
    const { value } = this.#state;
    return value === null ? null : { name: this.#settings.metricForBestModel, value };
  }

  /** Points of curves after a step. */
  see(step: number, values: Readonly<Record<string, number>>): void {
    const { metricForBestModel: name } = this.#settings;
    const value = values[name];
    if (name === 'none' || value === undefined || !Number.isFinite(value)) return;
    const { value: best } = this.#state;
    const better = best === null || (name === 'eval_loss' ? value < best : value > best);
    this.#improved ||= better;
    this.#state = better ? { ...this.#state, value, step, worse: 0 } : { ...this.#state, worse: this.#state.worse + 1 };
  }

  measured(step: number): void {
    this.#state = { ...this.#state, measuredAt: step };
  }

  /** Whether it became better since this was last asked. */
  takeImproved(): boolean {
    const improved = this.#improved;
    this.#improved = false;
    return improved;
  }

  /** No better one has come for as long as one waits. */
  get exhausted(): boolean {
    const { earlyStoppingPatience } = this.#settings;
    return earlyStoppingPatience > 0 && this.#state.worse >= earlyStoppingPatience;
  }
}
