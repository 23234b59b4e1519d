/** Numbers of things in sentences. */

// Made once: making one takes longer than what it is made for, and a room that is drawn asks for hundreds.
const GROUPED = new Intl.NumberFormat('en');

/** 12,345 */
export const count = (n: number): string => GROUPED.format(n);

/** 1 row, 12,345 rows; 2 boxes. */
export const plural = (n: number, word: string): string =>
  `${count(n)} ${word}${n === 1 ? '' : /(?:[xs]|ch)$/.test(word) ? 'es' : 's'}`;

/** “1 row is”, “12,345 rows are”. */
export const subject = (n: number, word: string, one: string, many: string): string =>
  `${plural(n, word)} ${n === 1 ? one : many}`;
