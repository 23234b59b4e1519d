/** The picture-swap test: the pictures of a row change places and its words stay. Does the answer follow its picture? */
import { imageHints } from './image-hint.ts';

/** Every picture one place on: place i shows picture `order[i]`, and none stays where it was. */
export const turned = (count: number): number[] => Array.from({ length: count }, (_, i) => (i + count - 1) % count);

/** Whether words say a picture by its place: then they are wrong after a swap, and the test says nothing. */
export const namesPlaces = (text: string): boolean => imageHints(text).length > 0;

export const SWAP_VERDICTS = ['follows', 'stays', 'elsewhere', 'unreadable'] as const;
export type SwapVerdict = (typeof SWAP_VERDICTS)[number];

/** Said of answers. */
export const SWAP_WORDS: Readonly<Record<SwapVerdict, string>> = {
  follows: 'follow their picture',
  stays: 'stay with the number',
  elsewhere: 'go to a third picture',
  unreadable: 'have no box to compare',
};

/**
 * What an answer did. Pictures count from 0; null or undefined: the answer has no box, or no word says in which picture.
 * @param before picture of the first box, before the swap
 * @param after the same after it, when place i showed picture `order[i]`
 */
export function judgeSwap(
  before: number | null | undefined,
  after: number | null | undefined,
  order: readonly number[],
): SwapVerdict {
  if (before === null || before === undefined || after === null || after === undefined) return 'unreadable';
  if (order[after] === before) return 'follows';
  return after === before ? 'stays' : 'elsewhere';
}
