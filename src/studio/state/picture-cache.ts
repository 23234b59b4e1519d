/** Pictures as object URLs, no larger than they are shown, the most recently used ones; a URL leaves with its picture. */
import type { EngineClient } from '../../engine/client.ts';
import type { Size } from '../../grounding/box.ts';

export const PICTURES_KEPT = 240;

export interface ShownPicture {
  readonly url: string;
  /** Of the whole picture; 0 × 0 where it is not known. */
  readonly natural: Size;
}

interface Entry {
  readonly shown: Promise<ShownPicture>;
  users: number;
}

/** Heights in device pixels; a picture shown between two of them is taken from the larger. */
const HEIGHTS = [128, 256, 512, 1024, 2048];
export const heightStep = (pixels: number): number => HEIGHTS.find((h) => h >= pixels) ?? HEIGHTS.at(-1)!;

export class PictureCache {
  readonly #client: EngineClient;
  readonly #entries = new Map<string, Entry>();
  readonly #own = new Map<string, ShownPicture>();

  constructor(client: EngineClient) {
    this.#client = client;
  }

  /** A picture that the page itself holds, kept until `drop`. */
  put(dataset: string, path: string, file: Blob): void {
    this.drop(dataset, path);
    this.#own.set(`${dataset}\n${path}`, { url: URL.createObjectURL(file), natural: { width: 0, height: 0 } });
  }

  drop(dataset: string, path: string): void {
    const own = this.#own.get(`${dataset}\n${path}`);
    if (own) URL.revokeObjectURL(own.url);
    this.#own.delete(`${dataset}\n${path}`);
  }

  /** Resolves to a URL that stays valid until `release`. `height`: one of `heightStep`. */
  acquire(dataset: string, path: string, height: number): Promise<ShownPicture> {
    const own = this.#own.get(`${dataset}\n${path}`);
    if (own) return Promise.resolve(own);
    const key = keyOf(dataset, path, height);
    let entry = this.#entries.get(key);
    if (entry) this.#entries.delete(key);
    else {
      entry = {
        shown: this.#client
          .request({ type: 'thumbnail', dataset, path, height })
          .then(({ blob, natural }) => ({ url: URL.createObjectURL(blob), natural })),
        users: 0,
      };
      entry.shown.catch(() => this.#entries.delete(key));
    }
    entry.users++;
    this.#entries.set(key, entry);
    this.#evict();
    return entry.shown;
  }

  release(dataset: string, path: string, height: number): void {
    const entry = this.#entries.get(keyOf(dataset, path, height));
    if (entry) entry.users--;
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= PICTURES_KEPT) return;
      if (entry.users > 0) continue;
      this.#entries.delete(key);
      void entry.shown.then(
        ({ url }) => URL.revokeObjectURL(url),
        () => undefined,
      );
    }
  }
}

const keyOf = (dataset: string, path: string, height: number): string => `${dataset}\n${height}\n${path}`;
