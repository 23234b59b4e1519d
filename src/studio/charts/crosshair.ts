/** The step that is looked at, shared by the charts and by whatever shows the run as of a step. */
import { useSyncExternalStore } from 'react';

export class Crosshair {
  #hovered: number | null = null;
  #held: number | null = null;
  #waiting = false;
  readonly #listeners = new Set<() => void>();

  /** The held step, else the one under the pointer; null: the newest. */
  get step(): number | null {
    return this.#held ?? this.#hovered;
  }

  get held(): number | null {
    return this.#held;
  }

  hover(step: number | null): void {
    if (step === this.#hovered) return;
    this.#hovered = step;
    this.#tellSoon();
  }

  /** Keeps a step in view until another is held, or null lets go. */
  hold(step: number | null): void {
    if (step === this.#held) return;
    this.#held = step;
    // At once: a slider that shows the old step for a frame would lose the next key.
    this.#tell();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Once a frame: a pointer moves more often than anyone can look. */
  #tellSoon(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#tell();
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export const useCrosshairStep = (crosshair: Crosshair): number | null =>
  useSyncExternalStore(crosshair.subscribe, () => crosshair.step);
export const useHeldStep = (crosshair: Crosshair): number | null =>
  useSyncExternalStore(crosshair.subscribe, () => crosshair.held);
