/** What queries may see in tests of attention: the layouts of training, vision and rollouts as ranges of keys. */

export type Range = readonly [a0: number, a1: number, b0: number, b1: number];

export interface Shape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly ranges: readonly Range[];
  readonly Tk: number;
}

export const sees = (r: Range, j: number): boolean => (j >= r[0] && j < r[1]) || (j >= r[2] && j < r[3]);

/** Smallest query ranges that hold every query seeing a key. */
export function keyRangesOf(ranges: readonly Range[], Tk: number): number[] {
  return Array.from({ length: Tk }, (_, j) => {
    const seeing = ranges.flatMap((r, t) => (sees(r, j) ? [t] : []));
    return seeing.length ? [seeing[0]!, seeing.at(-1)! + 1] : [0, 0];
  }).flat();
}

export const causal = (n: number): Range[] => Array.from({ length: n }, (_, t) => [0, 0, 0, t + 1]);

export const packed = (lengths: readonly number[]): Range[] => {
  let start = 0;
  return lengths.flatMap((n) => {
    const from = start;
    start += n;
    return Array.from({ length: n }, (_, i): Range => [0, 0, from, from + i + 1]);
  });
};

export const windows = (lengths: readonly number[]): Range[] => {
  let start = 0;
  return lengths.flatMap((n) => {
    const from = start;
    start += n;
    return Array.from({ length: n }, (): Range => [0, 0, from, from + n]);
  });
};

export const sharedPrefix = (prompt: number, completions: readonly number[], at = 0): Range[] => {
  let start = at + prompt;
  return [
    ...Array.from({ length: prompt }, (_, t): Range => [0, 0, at, at + t + 1]),
    ...completions.flatMap((n) => {
      const from = start;
      start += n;
      return Array.from({ length: n }, (_, i): Range => [at, at + prompt, from, from + i + 1]);
    }),
  ];
};

export const shape = (
  ranges: readonly Range[],
  heads: number,
  kvHeads: number,
  headDim: number,
  Tk = ranges.length,
): Shape => ({
  heads,
  kvHeads,
  headDim,
  scale: 1 / Math.sqrt(headDim),
  ranges,
  Tk,
});
