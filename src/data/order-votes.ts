/**
 * Which of a box's numbers is x, by the words of the questions: a thing “on the left” lies left of the middle more often
 * than not. In thousandths and fractions nothing else of a file shows whether x or y comes first. A box votes where the
 * two orders put it on different sides of the middle.
 */
import type { Numbers } from '../grounding/convention.ts';
import type { CoordinateSpace } from './dataset-ref.ts';
import { extent, SPACES, type PictureFacts } from './reading.ts';

/** −1: left or above; 1: right or below; 0: unsaid, or both. */
export interface Sides {
  readonly across: -1 | 0 | 1;
  readonly down: -1 | 0 | 1;
}

/** Not “left of the car”, which says nothing of the picture's side, nor a hand or a foot. */
const side = (words: string, han: string) =>
  new RegExp(
    String.raw`\b(?:${words})(?:most\b|\b(?!\s{1,2}(?:of|to|from)\s{1,2}(?!the\s{1,2}(?:image|picture|photo|screen|frame))|\s{1,2}(?:hand|arm|leg|foot|eye|ear|shoulder|shoe)))|${han}`,
    'i',
  );
const LEFT = side('left', '左(?!手|臂|腿|脚|眼|耳)');
const RIGHT = side('right', '右(?!手|臂|腿|脚|眼|耳)');
const ABOVE = side('top|upper', '上(?=方|面|角|部|侧|边)');
const BELOW = side('bottom|lower', '下(?=方|面|角|部|侧|边)');

const one = (text: string, less: RegExp, more: RegExp): -1 | 0 | 1 => {
  const [low, high] = [less.test(text), more.test(text)];
  return low === high ? 0 : low ? -1 : 1;
};

export const sidesIn = (question: string): Sides => ({
  across: one(question, LEFT, RIGHT),
  down: one(question, ABOVE, BELOW),
});

/** Votes from which they tell, and how far from a draw, in standard deviations. */
const FEWEST = 12;
const TELLING = 3.3;

export interface Votes {
  readonly xFirst: number;
  readonly yFirst: number;
}

export class OrderVotes {
  readonly #votes = new Map<CoordinateSpace, [x: number, y: number]>();

  add([a, b, c, d]: Numbers, sides: Sides, picture: PictureFacts | null): void {
    if (sides.across === 0 && sides.down === 0) return;
    for (const space of SPACES) {
      const whole = extent({ space }, picture);
      if (!whole || whole.width <= 0 || whole.height <= 0) continue;
      // By either order: [the side across, the side down].
      const [x, y] = [Math.sign((a + c) / whole.width - 1), Math.sign((b + d) / whole.height - 1)];
      const [x2, y2] = [Math.sign((b + d) / whole.width - 1), Math.sign((a + c) / whole.height - 1)];
      const votes = this.#votes.get(space) ?? [0, 0];
      for (const [said, first, second] of [
        [sides.across, x, x2],
        [sides.down, y, y2],
      ] as const) {
        if (said === 0 || first === second) continue;
        if (first === said) votes[0]++;
        if (second === said) votes[1]++;
      }
      this.#votes.set(space, votes);
    }
  }

  of(space: CoordinateSpace): Votes {
    const [xFirst, yFirst] = this.#votes.get(space) ?? [0, 0];
    return { xFirst, yFirst };
  }
}

/** Which order the votes show; null where they show none. */
export function orderShown({ xFirst, yFirst }: Votes): 'x' | 'y' | null {
  const all = xFirst + yFirst;
  if (all < FEWEST || Math.abs(xFirst - yFirst) / Math.sqrt(all) < TELLING) return null;
  return xFirst > yFirst ? 'x' : 'y';
}
