/** What the engine is busy with, and what may therefore not begin: a run, a rehearsal, a model that is being loaded. */
import { GroundworkError } from '../../base/error.ts';
import type { Gate } from './gate.ts';

export class Occupancy {
  readonly #gate: Gate;
  /** Models being loaded: the last one takes the place of the model that a run would stand on. */
  #loading = 0;
  /** The rehearsal under way; one that is no longer here stops. */
  #rehearsal: symbol | null = null;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  async loading<T>(work: () => Promise<T>): Promise<T> {
    this.#loading++;
    try {
      return await work();
    } finally {
      this.#loading--;
    }
  }

  /** `work` asks between its pieces whether it is still wanted. */
  async rehearsing<T>(work: (wanted: () => boolean) => Promise<T>): Promise<T> {
    const mine = (this.#rehearsal = Symbol('rehearsal'));
    try {
      return await work(() => this.#rehearsal === mine);
    } finally {
      if (this.#rehearsal === mine) this.#rehearsal = null;
    }
  }

  stopRehearsal(): void {
    this.#rehearsal = null;
  }

  refuseWhileLoading(what: string): void {
    if (this.#loading === 0) return;
    throw new GroundworkError(
      'model-loading',
      `A model is being loaded, so Groundwork cannot ${what}.`,
      'Wait until it is loaded, or stop the loading.',
    );
  }

  refuseWhileRunning(what: string): void {
    if (this.#rehearsal)
      throw new GroundworkError(
        'rehearsal-active',
        `A rehearsal is running, so Groundwork cannot ${what}.`,
        'Wait until it ends, or cancel it. Nothing is lost.',
      );
    this.refuseInRun(what);
  }

  refuseInRun(what: string): void {
    if (!this.#gate.active) return;
    throw new GroundworkError(
      'run-active',
      `A run is active, so Groundwork cannot ${what}.`,
      'Stop the run first. What it has learned can be exported.',
    );
  }
}
