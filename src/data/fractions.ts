/** Numbers that can only be fractions of a picture, whatever the other boxes of their file are. */
import type { Numbers } from '../grounding/convention.ts';

/** Else it were a box of less than a pixel, a thousandth or a percent. */
export const isFractions = (numbers: Numbers): boolean =>
  numbers.every((n) => n >= 0 && n <= 1) && numbers.some((n) => !Number.isInteger(n));
