/** What a way of writing boxes consists of. Coordinates are the family's own (convention.ts); here they become text. */
import type { Quad } from '../quads.ts';

export type Numbers = readonly [number, number, number, number];

/** A box of an answer. */
export interface AnswerItem {
  /** From 1; null where there is only one picture. */
  readonly image: number | null;
  readonly numbers: Numbers;
  readonly label: string | null;
}

export interface BoxSyntax {
  /** One box inside running text, as in a prompt. */
  write(numbers: Numbers): string;
  /** A whole answer. `single`: the sample has one picture. */
  answer(items: readonly AnswerItem[], single: boolean): string;
  /** The form of an answer, as it is asked for. */
  example(pictures: number): string;
  /** An answer without a box. */
  readonly nothing: string;
  /** Whether a box that was read is written in this way, to the letter. */
  keeps(quad: Quad): boolean;
  /** Whether boxes that were read are all of the answer, as far as this way asks for it. */
  fills(answer: string, quads: readonly Quad[]): boolean;
}
