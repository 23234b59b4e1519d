/** Pairs predicted boxes with true ones, and IoU's relatives. Rows are predictions, columns the truth. */
import { iou, type Box01, type GroundedBox } from './box.ts';

/** GIoU in [−1, 1] (Rezatofighi et al. 2019): IoU less the empty part of the common hull. */
export function giou(a: Box01, b: Box01): number {
  const hull = (Math.max(a[2], b[2]) - Math.min(a[0], b[0])) * (Math.max(a[3], b[3]) - Math.min(a[1], b[1]));
  const area = (q: Box01) => Math.max(0, q[2] - q[0]) * Math.max(0, q[3] - q[1]);
  const overlap = iou(a, b);
  const union = (area(a) + area(b)) / (1 + overlap); // overlap = I/U and I + U = A + B
  return hull > 0 ? overlap - (hull - union) / hull : overlap;
}

/** Whether the centre of `a` lies in `b`. */
export function centreInside(a: Box01, b: Box01): boolean {
  const [x, y] = [(a[0] + a[2]) / 2, (a[1] + a[3]) / 2];
  return x >= b[0] && x <= b[2] && y >= b[1] && y <= b[3];
}

/** IoU where the pictures agree, else 0; a null picture agrees with none, a guessed truth with any. */
export function groundedIou(
  predicted: { readonly image: number | null; readonly box: Box01 },
  truth: GroundedBox,
): number {
  return predicted.image === truth.image || truth.imageGuessed ? iou(predicted.box, truth.box) : 0;
}

export interface Pairing {
  readonly row: number;
  readonly column: number;
  readonly score: number;
}

/**
 * The pairing with the largest sum of scores; every row or every column is paired, whichever are fewer. Hungarian
 * method with potentials, O(n²m) (Kuhn 1955, in the form of e-maxx). Rows must have equal lengths.
 */
export function matchHungarian(scores: readonly (readonly number[])[]): Pairing[] {
  const [rows, columns] = [scores.length, scores[0]?.length ?? 0];
  if (!rows || !columns) return [];
  if (rows > columns) {
    const turned = Array.from({ length: columns }, (_, c) => scores.map((line) => line[c]!));
    return matchHungarian(turned)
      .map(({ row, column, score }) => ({ row: column, column: row, score }))
      .sort((a, b) => a.row - b.row);
  }
  // Index 0 is a sentinel; cost is minus the score.
  const [u, v] = [new Float64Array(rows + 1), new Float64Array(columns + 1)];
  const rowOf = new Int32Array(columns + 1);
  for (let r = 1; r <= rows; r++) {
    rowOf[0] = r;
    let column = 0;
    const least = new Float64Array(columns + 1).fill(Infinity);
    const from = new Int32Array(columns + 1);
    const used = new Uint8Array(columns + 1);
    do {
      used[column] = 1;
      const row = rowOf[column]!;
      let [delta, next] = [Infinity, 0];
      for (let c = 1; c <= columns; c++) {
        if (used[c]) continue;
        const cost = -scores[row - 1]![c - 1]! - u[row]! - v[c]!;
        if (cost < least[c]!) [least[c], from[c]] = [cost, column];
        if (least[c]! < delta) [delta, next] = [least[c]!, c];
      }
      for (let c = 0; c <= columns; c++) {
        if (used[c]) {
          u[rowOf[c]!]! += delta;
          v[c]! -= delta;
        } else least[c]! -= delta;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column) {
      rowOf[column] = rowOf[from[column]!]!;
      column = from[column]!;
    }
  }
  const pairs: Pairing[] = [];
  for (let c = 1; c <= columns; c++)
    if (rowOf[c]) pairs.push({ row: rowOf[c]! - 1, column: c - 1, score: scores[rowOf[c]! - 1]![c - 1]! });
  return pairs.sort((a, b) => a.row - b.row);
}
