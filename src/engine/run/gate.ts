/**
 * The run's valve. The loop passes it before each step; here it waits while paused, ends when stopped, and lets work
 * that must not overlap with a step (answers, exports) have its turn.
 */
import type { RunState } from '../protocol/run.ts';

export class Gate {
  #state: RunState = 'idle';
  #stepOnce = false;
  #wake: (() => void) | null = null;
  readonly #asides: (() => Promise<void>)[] = [];
  readonly #report: (state: RunState) => void;
  #busy: Promise<void> = Promise.resolve();

  constructor(report: (state: RunState) => void) {
    this.#report = report;
  }

  get state(): RunState {
    return this.#state;
  }

  /** Whether a run is on, paused included. */
  get active(): boolean {
    return this.#state === 'running' || this.#state === 'paused' || this.#state === 'stopping';
  }

  /** `paused`: hold before any work. */
  begin(paused = false): void {
    this.#stepOnce = false;
    this.#set(paused ? 'paused' : 'running');
  }

  end(state: 'finished' | 'failed'): void {
    this.#set(state);
    void this.#runAsides();
  }

  control(action: 'pause' | 'resume' | 'step' | 'stop'): RunState {
    if (!this.active || this.#state === 'stopping') return this.#state;
    if (action === 'pause') this.#set('paused');
    else if (action === 'resume') this.#set('running');
    else if (action === 'stop') this.#set('stopping');
    else {
      this.#set('paused');
      this.#stepOnce = true;
    }
    this.#wake?.();
    return this.#state;
  }

  stop(): void {
    this.control('stop');
  }

  /** Called by the loop before each step. False: stop. */
  async pass(): Promise<boolean> {
    const go = await this.turn();
    this.#stepOnce = false;
    return go;
  }

  /** Called by work that is no step and takes long: waits while paused, and keeps a single step that was asked for. False: stop. */
  async turn(): Promise<boolean> {
    await this.#runAsides();
    while (this.#state === 'paused' && !this.#stepOnce) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
      await this.#runAsides();
    }
    return this.#state !== 'stopping';
  }

  /** Runs work between steps, or at once when no run is on; pieces of work never overlap. */
  aside<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // Whatever fails in it, even before its first wait, is told to whoever asked: the queue goes on.
      this.#asides.push(async () => {
        try {
          resolve(await work());
        } catch (error) {
          reject(error as Error);
        }
      });
      if (this.active) this.#wake?.();
      else void this.#runAsides();
    });
  }

  #runAsides(): Promise<void> {
    this.#busy = this.#busy.then(async () => {
      for (let piece = this.#asides.shift(); piece; piece = this.#asides.shift()) await piece();
    });
    return this.#busy;
  }

  #set(state: RunState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#report(state);
  }
}
