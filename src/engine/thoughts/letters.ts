/** Letters to a teacher as events, and what came of them as requests: the engine itself opens no connection. */
import { onAbort } from '../../base/on-abort.ts';
import { Undelivered, type Courier, type Delivery } from '../../train/teacher/courier.ts';
import type { Carried, ThoughtsEvent } from '../protocol/thoughts.ts';

interface Waiting {
  resolve(delivery: Delivery): void;
  reject(reason: unknown): void;
}

export class Letters {
  readonly #emit: (event: ThoughtsEvent) => void;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(emit: (event: ThoughtsEvent) => void) {
    this.#emit = emit;
  }

  /** To one base alone. */
  courier(base: string): Courier {
    return async (letter, signal) => {
      signal.throwIfAborted();
      const id = this.#next++;
      const forget = onAbort(signal, () => {
        this.#emit({ type: 'teacher-recall', id });
        this.#waiting.get(id)?.reject(signal.reason);
      });
      try {
        return await new Promise<Delivery>((resolve, reject) => {
          this.#waiting.set(id, { resolve, reject });
          this.#emit({ type: 'teacher-letter', id, base, letter });
        });
      } finally {
        this.#waiting.delete(id);
        forget();
      }
    };
  }

  carried(id: number, carried: Carried): void {
    const waiting = this.#waiting.get(id);
    if ('undelivered' in carried) waiting?.reject(new Undelivered(carried.undelivered));
    else waiting?.resolve(carried);
  }
}
