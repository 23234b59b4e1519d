/**
 * In which space does a file write its boxes? Files do not say, so it is found from all of a file's boxes together,
 * separately for boxes written `(x1,y1),(x2,y2)` and for other ways, and told to the user, who may overrule it.
 */
import type { Size } from '../grounding/box.ts';
import type { BoxPlace } from './places.ts';

export type CoordinateSpace = 'fraction' | 'thousand' | 'natural';

export interface SpaceDecision {
  readonly space: CoordinateSpace;
  readonly reason: string;
  /** The numbers alone could not tell; the pictures' sizes were compared. */
  readonly uncertain: boolean;
}

/** A box and the picture it most probably lies in. */
export interface SpaceSample {
  readonly place: BoxPlace;
  readonly picture: string | null;
}

/** Share of boxes above which a stray number cannot be blamed. */
const TELLING = 0.02;
const MAX_PICTURES = 100;

export const SPACE_WORDS: Readonly<Record<CoordinateSpace, string>> = {
  fraction: 'fractions of the picture (0–1)',
  thousand: 'thousandths of the picture (0–1000)',
  natural: 'pixels of the picture file',
};

/** Decides for boxes of one file written in one way; null without boxes. `sizeOf` gives a picture's size from its header. */
export async function decideSpace(
  samples: readonly SpaceSample[],
  sizeOf: (path: string) => Promise<Size | null>,
): Promise<SpaceDecision | null> {
  if (!samples.length) return null;
  const share = (test: (place: BoxPlace) => boolean) =>
    samples.filter(({ place }) => test(place)).length / samples.length;
  const certain = (space: CoordinateSpace, reason: string): SpaceDecision => ({ space, reason, uncertain: false });
  if (share(({ tokens }) => tokens) >= 0.5) return certain('thousand', 'they stand between <|box_start|> tokens');
  if (share(({ numbers }) => numbers.every((n) => n >= 0 && n <= 1)) >= 1 - TELLING)
    return certain('fraction', 'no number is above 1');
  if (share(({ numbers }) => numbers.some((n) => n > 1000)) > TELLING)
    return certain('natural', 'numbers go beyond 1000');
  if (samples[0]!.place.written === 'pairs')
    return certain('thousand', 'they are written (x1,y1),(x2,y2) and no number is above 1000');

  let [seen, outside, larger, highest] = [0, 0, 0, 0];
  for (const { place, picture } of samples) {
    if (seen >= MAX_PICTURES) break;
    const size = picture === null ? null : await sizeOf(picture);
    if (!size) continue;
    seen++;
    const [, , x2, y2] = place.numbers;
    if (x2 > size.width + 1 || y2 > size.height + 1) outside++;
    if (Math.min(size.width, size.height) > 1000) larger++;
    highest = Math.max(highest, x2, y2);
  }
  const guess = (space: CoordinateSpace, reason: string): SpaceDecision => ({ space, reason, uncertain: true });
  if (!seen) return guess('thousand', 'no picture could be measured');
  if (outside / seen > TELLING) return guess('thousand', 'as pixels they would lie outside the pictures');
  if (larger === seen && highest > 900)
    return guess('thousand', 'they reach towards 1000 and never beyond, though the pictures are larger');
  return guess('natural', 'they fit into the pictures');
}
