/** The most recently used values, at most `limit` of them (or of their `weight`). */
export class Lru<K, V> {
  readonly #limit: number;
  readonly #weight: (value: V) => number;
  readonly #entries = new Map<K, V>();
  #held = 0;

  constructor(limit: number, weight: (value: V) => number = () => 1) {
    this.#limit = limit;
    this.#weight = weight;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.delete(key);
    this.#entries.set(key, value);
    this.#held += this.#weight(value);
    for (const oldest of this.#entries.keys()) {
      if (this.#held <= this.#limit || this.#entries.size === 1) return;
      this.delete(oldest);
    }
  }

  /** Each value by what is made of it; which were used most recently stays as it was. */
  replace(make: (value: V) => V): void {
    for (const [key, value] of this.#entries) {
      const next = make(value);
      this.#held += this.#weight(next) - this.#weight(value);
      this.#entries.set(key, next);
    }
  }

  delete(key: K): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#held -= this.#weight(value);
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#held = 0;
  }
}
