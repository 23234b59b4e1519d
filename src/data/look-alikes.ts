/** Pictures of the held-out part that look like one of the training part, though their files differ. */
import { decodeImage } from '../image/decode.ts';
import { lookOf, looksAlike, type Look } from '../image/look.ts';
import { GroundworkError } from '../base/error.ts';
import { pipelined } from '../base/pipelined.ts';
import type { Pictures } from './pictures.ts';
import type { RowIndex } from './row-index.ts';
import type { Split } from './split.ts';

/** Two pictures, by path. */
export interface LookAlike {
  readonly train: string;
  readonly heldout: string;
}

/** What is known of likeness between the two parts. */
export interface LooksCompared {
  /** Pictures that are still to be looked at; 0: all were. */
  readonly left: number;
  /** Pictures of the held-out part that look like one of the training part. */
  readonly pictures: number;
  /** The first of them. */
  readonly pairs: readonly LookAlike[];
  /** Pictures that could not be decoded, and so were not compared. */
  readonly undecoded: number;
}

/** Pictures that are decoded at once. */
const AT_ONCE = 2;
/** What is wrong with a picture alone: the others are compared without it. */
const DAMAGED: readonly string[] = ['image-undecodable', 'zip-entry-damaged'];
const PAIRS_TOLD = 20;

/** The eight bytes of a hash, each with its place: pictures that are alike share one. */
const bandsOf = ({ hash }: Look): number[] =>
  Array.from({ length: 8 }, (_, i) => (i << 8) | ((hash[i >> 2]! >>> (8 * (i & 3))) & 255));

/** Looks of pictures by number, as far as they were looked at. null: nothing to tell it by, or not decodable. */
export class Looks {
  readonly #looks = new Map<number, Look | null>();
  readonly #undecoded = new Set<number>();

  left(pictures: readonly number[]): number[] {
    return pictures.filter((each) => !this.#looks.has(each));
  }

  undecoded(pictures: readonly number[]): number {
    return pictures.filter((each) => this.#undecoded.has(each)).length;
  }

  /** Looks at those that were not looked at. What was seen until `open` throws stays known. */
  async see(
    pictures: readonly number[],
    open: (picture: number) => Promise<Blob>,
    tell: (done: number, total: number) => void,
  ): Promise<void> {
    const left = this.left(pictures);
    let done = 0;
    await pipelined(left, AT_ONCE, async (picture) => {
      try {
        this.#looks.set(picture, lookOf(await decodeImage(await open(picture))));
      } catch (error) {
        if (!(error instanceof GroundworkError) || !DAMAGED.includes(error.code)) throw error;
        this.#looks.set(picture, null);
        this.#undecoded.add(picture);
      }
      tell(++done, left.length);
    });
  }

  /** For each picture of the second list that looks like one of the first, the first such one. */
  alike(train: readonly number[], heldout: readonly number[]): Map<number, number> {
    const bands = new Map<number, number[]>();
    for (const picture of train) {
      const look = this.#looks.get(picture);
      for (const band of look ? bandsOf(look) : []) {
        const mine = bands.get(band);
        if (mine) mine.push(picture);
        else bands.set(band, [picture]);
      }
    }
    const found = new Map<number, number>();
    for (const picture of heldout) {
      const look = this.#looks.get(picture);
      if (!look) continue;
      const tried = new Set<number>();
      for (const band of bandsOf(look))
        for (const other of bands.get(band) ?? []) {
          if (found.has(picture) || other === picture || tried.has(other)) continue;
          tried.add(other);
          if (looksAlike(look, this.#looks.get(other)!)) found.set(picture, other);
        }
    }
    return found;
  }
}

/** The two parts of a dataset, compared. */
export class PartLooks {
  readonly #index: RowIndex;
  readonly #parts: Readonly<Record<Split, Uint32Array>>;
  readonly #pictures: Pictures;
  #alike: ReadonlyMap<number, number> | null = null;

  constructor(index: RowIndex, parts: Readonly<Record<Split, Uint32Array>>, pictures: Pictures) {
    this.#index = index;
    this.#parts = parts;
    this.#pictures = pictures;
  }

  /** Looks at all pictures of both parts. @param check throws to stop */
  async see(check: () => void, tell: (what: string, done: number, total: number) => void): Promise<void> {
    const { train, heldout } = this.#differing();
    const open = (picture: number) => {
      check();
      return this.#pictures.open(this.#pictures.path(picture));
    };
    await this.#pictures.looks.see([...train, ...heldout], open, (done, total) =>
      tell('pictures compared by their looks', done, total),
    );
  }

  /** What is known by now; null: there is nothing to compare. Rows are flagged once all pictures were seen. */
  compared(): LooksCompared | null {
    const { train, heldout } = this.#differing();
    if (train.length === 0 || heldout.length === 0) return null;
    const pictures = this.#pictures;
    const both = [...train, ...heldout];
    const left = pictures.looks.left(both).length;
    if (left === 0) this.#alike ??= pictures.looks.alike(train, heldout);
    const found = [...(this.#alike ?? [])];
    const alike = new Set(found.flat());
    if (alike.size > 0) this.#index.mark('picture-alike', (picture) => alike.has(pictures.sameAs(picture)));
    const pairs = found.slice(0, PAIRS_TOLD).map(([mine, other]) => ({
      heldout: pictures.path(mine),
      train: pictures.path(other),
    }));
    return { left, pictures: found.length, pairs, undecoded: pictures.looks.undecoded(both) };
  }

  /** Pictures of each part, copies as one. Those that both parts have are known to be on both sides. */
  #differing(): Readonly<Record<Split, number[]>> {
    const of = (split: Split) =>
      new Set(
        [...this.#parts[split]].flatMap((row) =>
          this.#index.picturesOf(row).map((each) => this.#pictures.sameAs(each)),
        ),
      );
    const [train, heldout] = [of('train'), of('heldout')];
    if (train.size === 0 || heldout.size === 0) return { train: [], heldout: [] };
    return { train: [...train], heldout: [...heldout].filter((each) => !train.has(each)) };
  }
}
