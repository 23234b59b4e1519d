/** Time of a stage: what it took so far, waits left out, and what is left of what it counts. */
import type { StageEvent } from '../../train/stage.ts';

/** The stage's own seconds. What a run waits for, on hold or while others have their turn, is no time of its own. */
export class StageClock {
  #started: number;

  /** @param before seconds that the stage took before it was interrupted */
  constructor(before: number) {
    this.#started = performance.now() - before * 1000;
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  async apart<T>(wait: Promise<T>): Promise<T> {
    const from = performance.now();
    const value = await wait;
    this.#started += performance.now() - from;
    return value;
  }
}

type Counted = Extract<StageEvent, { type: 'progress' }>;

/** Tells how long what a stage counts will take, from the time since it began to count that: kernels, rows, steps. */
export class Pace {
  readonly #before: number;
  /** Where the counting of a unit began; two may be counted at the same time. */
  readonly #from = new Map<string, { readonly done: number; readonly seconds: number }>();
  #told: number;

  /** @param before seconds that the stage took before it was interrupted */
  constructor(before: number) {
    this.#before = this.#told = before;
  }

  /** Seconds left of what `event` counts, at the stage's `seconds`; null: it cannot be told yet. */
  left({ unit, done, total, preparing }: Counted, seconds: number): number | null {
    // An earlier visit did a part of the work, but prepared for itself.
    const shared = this.#before > 0 && !preparing;
    const from = this.#from.get(unit) ?? (shared ? { done, seconds } : { done: 0, seconds: this.#told });
    this.#from.set(unit, from);
    this.#told = seconds;
    const since = done - from.done;
    return since > 0 ? ((seconds - from.seconds) / since) * (total - done) : null;
  }
}
