/**
 * Gathers the engine's events and hands them on in batches, once a frame and a few milliseconds at a time: a storm of
 * events costs the page some frames of delay, never a freeze. A hidden tab has no frames, so a timer steps in.
 */
import type { EngineEvent } from '../../engine/protocol/index.ts';

export const BATCH = 256;
export const BUDGET_MS = 6;

export type Schedule = (flush: () => void) => void;

export const nextFrame: Schedule = (flush) => {
  if (document.visibilityState === 'visible') requestAnimationFrame(() => flush());
  else setTimeout(flush, 200);
};

export class EventPump {
  readonly #apply: (events: readonly EngineEvent[]) => void;
  readonly #schedule: Schedule;
  readonly #now: () => number;
  #queue: EngineEvent[] = [];
  #scheduled = false;

  constructor(
    apply: (events: readonly EngineEvent[]) => void,
    schedule: Schedule = nextFrame,
    now: () => number = () => performance.now(),
  ) {
    this.#apply = apply;
    this.#schedule = schedule;
    this.#now = now;
  }

  push(event: EngineEvent): void {
    this.#queue.push(event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const end = this.#now() + BUDGET_MS;
    let taken = 0;
    do {
      this.#apply(this.#queue.slice(taken, taken + BATCH));
      taken += BATCH;
    } while (taken < this.#queue.length && this.#now() < end);
    this.#queue = taken < this.#queue.length ? this.#queue.slice(taken) : [];
    if (this.#queue.length > 0) {
      this.#scheduled = true;
      this.#schedule(() => this.#flush());
    }
  }
}
