/** Pictures as object URLs, the most recently used ones; a URL leaves with its picture. */
import type { EngineClient } from '../../engine/client.ts';

export const PICTURES_KEPT = 240;

interface Entry {
  readonly url: Promise<string>;
  users: number;
}

export class PictureCache {
  readonly #client: EngineClient;
  readonly #entries = new Map<string, Entry>();

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** A picture that the page itself holds, kept until `drop`. */
  put(dataset: string, path: string, file: Blob): void {
    this.#entries.set(`${dataset}\n${path}`, { url: Promise.resolve(URL.createObjectURL(file)), users: 1 });
  }

  drop(dataset: string, path: string): void {
    this.release(dataset, path);
  }

  /** Resolves to a URL that stays valid until `release`. */
  acquire(dataset: string, path: string): Promise<string> {
    const key = `${dataset}\n${path}`;
    let entry = this.#entries.get(key);
    if (entry) this.#entries.delete(key);
    else {
      entry = {
        url: this.#client.request({ type: 'image', dataset, path }).then((blob) => URL.createObjectURL(blob)),
        users: 0,
      };
      entry.url.catch(() => this.#entries.delete(key));
    }
    entry.users++;
    this.#entries.set(key, entry);
    this.#evict();
    return entry.url;
  }

  release(dataset: string, path: string): void {
    const entry = this.#entries.get(`${dataset}\n${path}`);
    if (entry) entry.users--;
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= PICTURES_KEPT) return;
      if (entry.users > 0) continue;
      this.#entries.delete(key);
      void entry.url.then(URL.revokeObjectURL, () => undefined);
    }
  }
}
