/**
 * How many requests are under way at once. A server that says “too many” (429) halves it, down to one; success makes it
 * larger again, one by one, up to what the user allows. While a server asks for patience nothing new is begun.
 */
import { onAbort } from '../../base/on-abort.ts';

export class Pool {
  readonly #most: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #under = 0;
  #good = 0;
  /** Grows with each shrinking: of requests that were under way together, one “too many” counts. */
  #epoch = 0;
  #closedUntil = 0;

  constructor(most: number, now: () => number, sleep: (ms: number, signal: AbortSignal) => Promise<void>) {
    this.#most = this.#limit = Math.max(1, Math.floor(most));
    this.#now = now;
    this.#sleep = sleep;
  }

  get limit(): number {
    return this.#limit;
  }

  get underWay(): number {
    return this.#under;
  }

  /** Waits for a place. Returns the epoch in which it was given. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      const wait = this.#closedUntil - this.#now();
      if (wait > 0) await this.#sleep(wait, signal);
      else if (this.#under < this.#limit) {
        this.#under++;
        return this.#epoch;
      } else await this.#turn(signal);
    }
  }

  leave(): void {
    this.#under--;
    this.#waiting.shift()?.();
  }

  succeeded(): void {
    if (this.#limit < this.#most && ++this.#good >= 2 * this.#limit) {
      this.#limit++;
      this.#good = 0;
      this.#waiting.shift()?.();
    }
  }

  /** @param epoch of the request that was refused */
  tooMany(epoch: number): void {
    this.#good = 0;
    if (epoch !== this.#epoch) return;
    this.#epoch++;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
  }

  /** Nothing is begun before. */
  closeFor(ms: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, this.#now() + ms);
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        forget();
        resolve();
      };
      const forget = onAbort(signal, () => {
        const at = this.#waiting.indexOf(go);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason as Error);
      });
      this.#waiting.push(go);
    });
  }
}
