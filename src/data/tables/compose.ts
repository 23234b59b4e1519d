/**
 * Which pictures and boxes make a row whose answer admits no doubt. Detection annotations label a picture in full (LVIS
 * says for which categories), so a category without an annotation is not in the picture. A crowd, and a box that is
 * none, show that something is there without saying where: such a picture is neither asked about that category nor
 * shown as one that lacks it. Pictures without any annotation may be unlabelled and are not used.
 *
 * find: one picture has one box of the category, the others have none. common: every picture has one box of it, and no
 * other category is in all of them. count: every picture's number is certain, and together they are at most MAX_COUNT.
 */
import type { Random } from '../../base/random.ts';
import type { Compose, ComposedKind } from '../dataset-ref.ts';
import type { Annotations } from './annotations.ts';

export interface ComposedRow {
  readonly kind: ComposedKind;
  readonly category: number;
  readonly images: readonly number[];
  /** Annotations of the answer, by picture; none where a number is asked for. */
  readonly boxes: readonly number[];
  /** Of `count`. */
  readonly total: number;
}

/** More are miscounted by those who label, too. */
const MAX_COUNT = 10;
/** Pictures tried before all are looked through, and candidates compared for one place of a row. */
const TRIES = 32;

export function shuffled<T>(list: readonly T[], random: Random): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const k = random.below(i + 1);
    [out[i], out[k]] = [out[k]!, out[i]!];
  }
  return out;
}

interface Seen {
  readonly boxes: number[];
  unclear: boolean;
}

/** What is known to be in each picture. */
export class Labelled {
  /** Pictures with an annotation or a statement. */
  readonly images: readonly number[];
  readonly empty: readonly number[];
  readonly #annotations: Annotations;
  readonly #seen: readonly ReadonlyMap<number, Seen>[];

  constructor(annotations: Annotations) {
    this.#annotations = annotations;
    const { imageNames, image, category, unclearImage, unclearCategory, federated } = annotations;
    const seen = Array.from({ length: imageNames.length }, () => new Map<number, Seen>());
    const at = (picture: number, kind: number): Seen => {
      let own = seen[picture]!.get(kind);
      if (!own) seen[picture]!.set(kind, (own = { boxes: [], unclear: false }));
      return own;
    };
    for (let i = 0; i < image.length; i++) {
      const own = at(image.get(i), category.get(i));
      const [, , width, height] = annotations.box(i, 0).numbers;
      if (width! > 0 && height! > 0) own.boxes.push(i);
      else own.unclear = true;
    }
    for (let i = 0; i < unclearImage.length; i++) at(unclearImage.get(i), unclearCategory.get(i)).unclear = true;
    for (const [picture, { partial }] of federated) for (const kind of partial) at(picture, kind).unclear = true;
    this.#seen = seen;
    const all = Array.from({ length: imageNames.length }, (_, i) => i);
    this.images = all.filter((i) => seen[i]!.size > 0 || federated.has(i));
    this.empty = all.filter((i) => seen[i]!.size === 0 && !federated.has(i));
  }

  categories(image: number): readonly number[] {
    return [...this.#seen[image]!.keys()];
  }

  /** The boxes of a category that is labelled without a doubt; empty where it is not there; null where that is not certain. */
  certain(image: number, category: number): readonly number[] | null {
    const own = this.#seen[image]!.get(category);
    if (own) return own.unclear ? null : own.boxes;
    const federated = this.#annotations.federated.get(image);
    return federated && !federated.absent.has(category) ? null : [];
  }

  lacks(image: number, category: number): boolean {
    return this.certain(image, category)?.length === 0;
  }

  /** Whether all categories that are in the picture are labelled. */
  complete(image: number): boolean {
    return !this.#annotations.federated.has(image);
  }
}

/** Rows of `images`, at most so many, kinds in turn and categories in turn; fewer where there are no more. */
export function compose(
  labelled: Labelled,
  images: readonly number[],
  { kinds, pictures, rows }: Compose,
  random: Random,
): ComposedRow[] {
  const composer = new Composer(labelled, images, pictures, random);
  let makers = kinds.map((kind) => composer.rows(kind));
  const made: ComposedRow[] = [];
  while (made.length < rows && makers.length)
    makers = makers.filter((maker) => {
      if (made.length === rows) return true;
      const next = maker.next();
      if (!next.done) made.push(next.value);
      return !next.done;
    });
  return made;
}

class Composer {
  readonly #labelled: Labelled;
  readonly #images: readonly number[];
  readonly #pictures: number;
  readonly #random: Random;
  /** Pictures without a category, of categories that most pictures have. */
  readonly #lacking = new Map<number, readonly number[]>();

  constructor(labelled: Labelled, images: readonly number[], pictures: number, random: Random) {
    this.#labelled = labelled;
    this.#images = images;
    this.#pictures = pictures;
    this.#random = random;
  }

  *rows(kind: ComposedKind): Generator<ComposedRow> {
    const queues = this.#queues(kind === 'count' ? null : 1);
    while (queues.size)
      for (const [category, queue] of queues) {
        const row = this.#make(kind, category, queue);
        if (queue.length === 0) queues.delete(category);
        if (row) yield row;
      }
  }

  /** Pictures by category, in an order drawn by lot: those with exactly so many boxes; null: with any. */
  #queues(boxes: number | null): Map<number, number[]> {
    const queues = new Map<number, number[]>();
    for (const image of shuffled(this.#images, this.#random))
      for (const category of this.#labelled.categories(image)) {
        const own = this.#labelled.certain(image, category);
        if (!own?.length || (boxes !== null && own.length !== boxes)) continue;
        const queue = queues.get(category);
        if (queue) queue.push(image);
        else queues.set(category, [image]);
      }
    return new Map(shuffled([...queues], this.#random));
  }

  /** The next row of a category; null where its picture cannot be completed. Takes from the queue. */
  #make(kind: ComposedKind, category: number, queue: number[]): ComposedRow | null {
    const first = queue.pop()!;
    if (kind === 'find') return this.#find(category, first, queue);
    return kind === 'common' ? this.#common(category, first, queue) : this.#count(category, first);
  }

  #find(category: number, image: number, queue: number[]): ComposedRow | null {
    const others = this.#without(category);
    if (!others) {
      queue.length = 0;
      return null;
    }
    const images = shuffled([image, ...others], this.#random);
    return { kind: 'find', category, images, boxes: this.#labelled.certain(image, category)!, total: 1 };
  }

  /** So many different pictures, one fewer than a row has, that lack a category; null where there are not as many. */
  #without(category: number): number[] | null {
    const wanted = this.#pictures - 1;
    const chosen = new Set<number>();
    const known = this.#lacking.get(category);
    for (let i = 0; i < TRIES * wanted && chosen.size < wanted && !known; i++) {
      const image = this.#images[this.#random.below(this.#images.length)]!;
      if (this.#labelled.lacks(image, category)) chosen.add(image);
    }
    if (chosen.size === wanted) return [...chosen];
    const all = known ?? this.#images.filter((image) => this.#labelled.lacks(image, category));
    this.#lacking.set(category, all);
    if (all.length < wanted) return null;
    while (chosen.size < wanted) chosen.add(all[this.#random.below(all.length)]!);
    return [...chosen];
  }

  /** Pictures whose only shared category is this one: each next one is the one that leaves fewest others. */
  #common(category: number, first: number, queue: number[]): ComposedRow | null {
    const complete = (image: number) => this.#labelled.complete(image);
    if (!complete(first)) return null;
    const images = [first];
    let shared = this.#labelled.categories(first).filter((each) => each !== category);
    const taken: number[] = [];
    while (images.length < this.#pictures) {
      let [best, left] = [-1, shared];
      for (let i = queue.length - 1; i >= Math.max(0, queue.length - TRIES); i--) {
        if (!complete(queue[i]!)) continue;
        const also = shared.filter((each) => !this.#labelled.lacks(queue[i]!, each));
        if (best >= 0 && also.length >= left.length) continue;
        [best, left] = [i, also];
        if (also.length === 0) break;
      }
      if (best < 0) break;
      const [image] = queue.splice(best, 1);
      images.push(image!);
      taken.push(image!);
      shared = left;
    }
    if (images.length < this.#pictures || shared.length) {
      queue.unshift(...taken);
      return null;
    }
    const order = shuffled(images, this.#random);
    const boxes = order.flatMap((image) => this.#labelled.certain(image, category)!);
    return { kind: 'common', category, images: order, boxes, total: boxes.length };
  }

  #count(category: number, first: number): ComposedRow | null {
    const number = (image: number) => this.#labelled.certain(image, category)?.length ?? Infinity;
    const images = new Set([first]);
    let total = number(first);
    for (let i = 0; i < TRIES * this.#pictures && images.size < this.#pictures && total <= MAX_COUNT; i++) {
      const image = this.#images[this.#random.below(this.#images.length)]!;
      if (images.has(image) || total + number(image) > MAX_COUNT) continue;
      images.add(image);
      total += number(image);
    }
    if (images.size < this.#pictures || total > MAX_COUNT) return null;
    return { kind: 'count', category, images: shuffled([...images], this.#random), boxes: [], total };
  }
}
