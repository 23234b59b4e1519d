/**
 * Positions: M-RoPE of the text decoder (Qwen2-VL, arXiv 2409.12191) and the 2-D rotary of the vision tower, both as
 * tables of cos and sin computed here in double precision.
 */
import type { PositionScheme } from '../architecture.ts';
import type { Rope } from '../rope.ts';
import { inverseFrequencies, writeAngle } from '../rotary-table.ts';
import type { QwenText } from './text.ts';

/** Patches of one picture: rows and columns before merging. */
export interface Grid {
  readonly height: number;
  readonly width: number;
}

export interface Positions {
  /** Temporal, height and width position of every token, [3, T] row-major. */
  readonly axes: Int32Array;
  /** The position of the first token after the sequence, on all axes. */
  readonly next: number;
}

/**
 * Text advances all three axes together; a picture holds the temporal axis at its start p and spans rows and columns
 * from p; what follows starts at p + max(rows, columns) of the merged grid.
 */
export function mropePositions(
  tokens: ArrayLike<number>,
  grids: readonly Grid[],
  imageTokenId: number,
  merge: number,
): Positions {
  const length = tokens.length;
  const axes = new Int32Array(3 * length);
  let position = 0;
  let picture = 0;
  for (let t = 0; t < length;) {
    const grid = tokens[t] === imageTokenId ? grids[picture] : undefined;
    if (!grid) {
      for (let axis = 0; axis < 3; axis++) axes[axis * length + t] = position;
      position++;
      t++;
      continue;
    }
    const [rows, columns] = [grid.height / merge, grid.width / merge];
    for (let i = 0; i < rows * columns && t < length; i++, t++) {
      axes[t] = position;
      axes[length + t] = position + Math.floor(i / columns);
      axes[2 * length + t] = position + (i % columns);
    }
    position += Math.max(rows, columns);
    picture++;
  }
  return { axes, next: position };
}

/**
 * Which axis turns each frequency. `sections` (Qwen2-VL, Qwen2.5-VL): the first s₀ the temporal axis, the next s₁
 * height, the last s₂ width. `interleaved` (Qwen3-VL): T H W T H W …, and temporal where height or width have used up
 * their share.
 */
export type MropeLayout = 'sections' | 'interleaved';

export function mropeAxes(section: readonly number[], layout: MropeLayout): number[] {
  if (layout === 'sections') return section.flatMap((count, axis) => new Array<number>(count).fill(axis));
  const half = section.reduce((a, b) => a + b, 0);
  return Array.from({ length: half }, (_, i) => (i % 3 !== 0 && i < 3 * section[i % 3]! ? i % 3 : 0));
}

/** cos and sin per token and frequency, [T, D/2, 2]; frequency i turns with axis `axisOf[i]`. */
export function mropeTable(
  axes: Int32Array,
  { frequencies, scaling }: Pick<Rope, 'frequencies' | 'scaling'>,
  axisOf: readonly number[],
): Float32Array<ArrayBuffer> {
  const length = axes.length / 3;
  const half = axisOf.length;
  const table = new Float32Array(length * half * 2);
  for (let t = 0; t < length; t++)
    for (let i = 0; i < half; i++)
      writeAngle(table, t * half + i, axes[axisOf[i]! * length + t]! * frequencies[i]!, scaling);
  return table;
}

/** cos and sin per patch, [P, D/2, 2], in the merge-block order of the pixels: first half of the angles rows, then columns. */
export function visionTable(grid: Grid, headDim: number, merge: number): Float32Array {
  const half = headDim / 2;
  const quarter = half / 2;
  const frequencies = inverseFrequencies(quarter, 10000, half);
  const table = new Float32Array(grid.height * grid.width * half * 2);
  let patch = 0;
  for (let blockRow = 0; blockRow < grid.height; blockRow += merge)
    for (let blockColumn = 0; blockColumn < grid.width; blockColumn += merge)
      for (let row = blockRow; row < blockRow + merge; row++)
        for (let column = blockColumn; column < blockColumn + merge; column++, patch++)
          for (let i = 0; i < quarter; i++) {
            writeAngle(table, patch * half + i, row * frequencies[i]!);
            writeAngle(table, patch * half + quarter + i, column * frequencies[i]!);
          }
  return table;
}

export function mropeScheme(text: QwenText, merge: number, layout: MropeLayout): PositionScheme {
  const axisOf = mropeAxes(text.mropeSection, layout);
  return {
    axes: 3,
    positions: (tokens, grids) => mropePositions(tokens, grids, text.imageTokenId, merge),
    rotaryTable: (axes) => mropeTable(axes, text.rope, axisOf),
  };
}
