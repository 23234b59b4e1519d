/**
 * From which number a file counts its pictures. `{"image": 1}` alone does not say it; a picture 0 anywhere in the file
 * does, and so does a picture 3 of 3. Kept for each word and key by itself: one file may write “Image-1” and
 * `"image_id": 0`.
 */
import type { Counted } from '../grounding/image-hint.ts';

interface Seen {
  /** A picture 0. */
  zero: boolean;
  /** A picture as high as there are pictures. */
  top: boolean;
}

export class Counting {
  readonly #files = new Map<string, Map<string, Seen>>();
  /** Grows with everything that is learned. */
  version = 0;

  /** @param pictures of the row */
  see(file: string, { value, by }: Counted, pictures: number): void {
    if (pictures < 2 || (value !== 0 && value !== pictures)) return;
    let words = this.#files.get(file);
    if (!words) this.#files.set(file, (words = new Map()));
    let seen = words.get(by);
    if (!seen) words.set(by, (seen = { zero: false, top: false }));
    const what = value === 0 ? 'zero' : 'top';
    if (seen[what]) return;
    seen[what] = true;
    this.version++;
  }

  /** 0 or 1, where the file shows it; undefined where it shows nothing, or both. */
  from(file: string, by: string): 0 | 1 | undefined {
    const seen = this.#files.get(file)?.get(by);
    if (!seen || seen.zero === seen.top) return undefined;
    return seen.zero ? 0 : 1;
  }
}
