/** Pictures no larger than they are shown, made when they come into sight. Without a browser the picture itself. */
import { Lru } from '../../base/lru.ts';
import type { Dataset } from '../../data/dataset.ts';
import { shown, shrink } from '../../image/shrink.ts';
import type { Thumbnail } from '../protocol/dataset.ts';

/** Bytes of thumbnails that are kept. */
const KEPT_BYTES = 32 * 2 ** 20;
/** A picture hardly larger than it is shown is not worth another encoding. */
const WORTH = 1.5;
/** Heights are rounded up to these, so that a few pixels of layout do not make another picture. */
const HEIGHTS = [128, 256, 512, 1024, 2048];

export class Thumbnails {
  readonly #kept = new Lru<string, Thumbnail>(KEPT_BYTES, ({ blob }) => blob.size);

  clear(): void {
    this.#kept.clear();
  }

  async make(id: string, dataset: Dataset, path: string, height: number): Promise<Thumbnail> {
    const target = HEIGHTS.find((h) => h >= height) ?? HEIGHTS.at(-1)!;
    const key = `${id}\n${path}\n${target}`;
    const known = this.#kept.get(key);
    if (known) return known;
    const [file, natural] = [await dataset.image(path), await dataset.naturalSize(path)];
    if (!natural) return { blob: file, natural: { width: 0, height: 0 } };
    const blob = natural.height > target * WORTH ? await shrink(file, target) : await shown(file);
    const thumbnail = { blob, natural };
    // What is a slice of the user's file costs nothing to keep, but says its full size: left out.
    if (blob !== file) this.#kept.set(key, thumbnail);
    return thumbnail;
  }
}
