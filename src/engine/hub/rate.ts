/** How fast something goes, by its last seconds. */
export class Rate {
  readonly #windowMs: number;
  readonly #points: { readonly at: number; readonly done: number }[] = [];

  constructor(windowMs = 8000) {
    this.#windowMs = windowMs;
  }

  /** `done` so far at `at` (ms). Returns units a second; null until a second has been seen. */
  add(done: number, at: number): number | null {
    this.#points.push({ done, at });
    while (this.#points.length > 2 && at - this.#points[0]!.at > this.#windowMs) this.#points.shift();
    const first = this.#points[0]!;
    return at - first.at < 1000 ? null : ((done - first.done) / (at - first.at)) * 1000;
  }
}
