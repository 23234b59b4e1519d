/**
 * Positions: M-RoPE of the text decoder (Qwen2-VL, arXiv 2409.12191) and the 2-D rotary of the vision tower, both as
 * tables of cos and sin computed here in double precision.
 */
import type { VisionShape } from './config.ts';

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
 * cos and sin per token and frequency, [T, D/2, 2]. Frequencies 0 … s₀ − 1 turn with the temporal axis, the next s₁ with
 * height, the last s₂ with width.
 */
export function mropeTable(axes: Int32Array, headDim: number, theta: number, section: readonly number[]): Float32Array {
  const length = axes.length / 3;
  const half = headDim / 2;
  const table = new Float32Array(length * half * 2);
  const axisOf = section.flatMap((count, axis) => new Array<number>(count).fill(axis));
  const frequencies = inverseFrequencies(half, theta, headDim);
  for (let t = 0; t < length; t++)
    for (let i = 0; i < half; i++) writeAngle(table, t * half + i, axes[axisOf[i]! * length + t]! * frequencies[i]!);
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

// torch computes frequencies in f32: θ^(2i/d) in double and then rounded agrees to the last bit or two.
const inverseFrequencies = (count: number, theta: number, dim: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(1 / theta ** ((2 * i) / dim)));

function writeAngle(table: Float32Array, at: number, angle: number): void {
  const a = Math.fround(angle);
  table[2 * at] = Math.cos(a);
  table[2 * at + 1] = Math.sin(a);
}

export interface WindowOrder {
  /** Merged units in window order: order[i] is the raster index of the i-th unit. */
  readonly order: Int32Array;
  /** Patch index where each window starts, and the total at the end, in window order. */
  readonly bounds: readonly number[];
}

/** Cuts the merged grid into windows of `windowSize` pixels; edge windows are smaller, none is empty. */
export function windowOrder(grid: Grid, vision: VisionShape): WindowOrder {
  const merge = vision.spatialMergeSize;
  const [rows, columns] = [grid.height / merge, grid.width / merge];
  const side = Math.floor(vision.windowSize / merge / vision.patchSize);
  const order: number[] = [];
  const bounds = [0];
  for (let top = 0; top < rows; top += side)
    for (let left = 0; left < columns; left += side) {
      for (let row = top; row < Math.min(rows, top + side); row++)
        for (let column = left; column < Math.min(columns, left + side); column++) order.push(row * columns + column);
      bounds.push(order.length * merge * merge);
    }
  return { order: Int32Array.from(order), bounds };
}
