/** Charts are redrawn one a frame, each a few times a second at most: twelve at once would stop the page. */
export class PaintQueue {
  readonly #waiting = new Set<() => void>();
  #running = false;

  ask(paint: () => void): void {
    this.#waiting.add(paint);
    if (!this.#running) {
      this.#running = true;
      requestAnimationFrame(() => this.#next());
    }
  }

  forget(paint: () => void): void {
    this.#waiting.delete(paint);
  }

  #next(): void {
    const [paint] = this.#waiting;
    if (!paint) {
      this.#running = false;
      return;
    }
    this.#waiting.delete(paint);
    // First, so that one that fails does not hold up the others.
    requestAnimationFrame(() => this.#next());
    paint();
  }
}

export const paintQueue = new PaintQueue();
export const REPAINT_MS = 250;
