/**
 * Boxes that follow each other in a file and all lie in the smaller of two frames, up to its edge: where files of two
 * spaces were put one behind the other, a run goes on for longer than chance would have it.
 */
import type { Size } from '../grounding/box.ts';
import type { Numbers } from '../grounding/convention.ts';
import { cornersOf } from '../grounding/numbers.ts';
import type { BoxLayout, CoordinateSpace } from './dataset-ref.ts';
import { extent, type PictureFacts } from './reading.ts';

/** How far a number may overshoot by rounding. */
const SLACK = 1;

export const isInside = ([x1, y1, x2, y2]: Numbers, { width, height }: Size): boolean =>
  x1 >= -SLACK && y1 >= -SLACK && x2 <= width + SLACK && y2 <= height + SLACK;

/** Frames of which one is clearly the smaller. */
export const isPart = (part: Size, whole: Size): boolean =>
  part.width < 0.95 * whole.width || part.height < 0.95 * whole.height;

/** Chance that a box of this size, anywhere in the whole, lies in the part at its upper left. */
export function chanceInside([x1, y1, x2, y2]: Numbers, whole: Size, part: Size): number {
  const room = (of: number, within: number, side: number) =>
    Math.min(1, Math.max(0, (of - side) / Math.max(within - side, 1)));
  return room(part.width, whole.width, x2 - x1) * room(part.height, whole.height, y2 - y1);
}

type Pair = readonly [whole: CoordinateSpace, part: CoordinateSpace];
export const FRAME_PAIRS: readonly Pair[] = [
  ['natural', 'thousand'],
  ['thousand', 'natural'],
  ['natural', 'percent'],
  ['thousand', 'percent'],
];

/** A run must come so near to both edges of its frame. */
const REACHED = 0.93;

interface Run {
  readonly boxes: number;
  /** Log of the chance that all of them lie there. */
  readonly chance: number;
}

export class FrameRun {
  readonly #pair: Pair;
  readonly #layout: BoxLayout;
  #boxes = 0;
  #chance = 0;
  #right = 0;
  #low = 0;
  #judged = 0;
  #inside = 0;
  #best: Run = { boxes: 0, chance: 0 };

  constructor(pair: Pair, layout: BoxLayout) {
    this.#pair = pair;
    this.#layout = layout;
  }

  isOf(whole: CoordinateSpace, part: CoordinateSpace, layout: BoxLayout): boolean {
    return this.#pair[0] === whole && this.#pair[1] === part && this.#layout === layout;
  }

  /** The least likely run that reaches the edges. */
  get best(): Run {
    return this.#best;
  }

  /** Boxes whose two frames differ. */
  get judged(): number {
    return this.#judged;
  }

  /** Of them, those in the smaller one. */
  get inside(): number {
    return this.#inside;
  }

  add(numbers: Numbers, picture: PictureFacts | null): void {
    const [whole, part] = this.#pair.map((space) => extent({ space }, picture));
    if (!whole || !part || !isPart(part, whole)) return;
    const corners = cornersOf(numbers, this.#layout);
    this.#judged++;
    if (!isInside(corners, part)) {
      [this.#boxes, this.#chance, this.#right, this.#low] = [0, 0, 0, 0];
      return;
    }
    this.#boxes++;
    this.#inside++;
    this.#chance += Math.log(chanceInside(corners, whole, part) || 1e-3);
    this.#right = Math.max(this.#right, corners[2] / part.width);
    this.#low = Math.max(this.#low, corners[3] / part.height);
    if (Math.min(this.#right, this.#low) > REACHED && this.#chance < this.#best.chance)
      this.#best = { boxes: this.#boxes, chance: this.#chance };
  }
}
