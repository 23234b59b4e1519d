/** Rotary position embeddings (arXiv 2104.09864) from a table, so that M-RoPE, 2-D vision rotary and decoding share one kernel. */
import rotary_ from '../../shaders/rotary/rotary.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import type { Tape } from './tape.ts';

export interface RotaryTable {
  /** [rows, D/2, 2]: cos and sin of each angle. */
  readonly table: Tensor;
  /** u32 [T]: the table row of each token. */
  readonly positions: Tensor;
}

export interface RotaryOptions {
  readonly heads: number;
  readonly headDim: number;
  /** First column of the heads in x. */
  readonly column?: number;
  /** Write the rotated rows here instead of a new tensor: y[rows[t]] (a KV cache). Not differentiable. */
  readonly into?: { readonly tensor: Tensor; readonly rows: Tensor };
}

/** x [T, ≥ column + heads·D] → y [T, heads·D] */
export function rotary(
  tape: Tape,
  x: Tensor,
  { table, positions }: RotaryTable,
  { heads, headDim, column = 0, into }: RotaryOptions,
): Tensor {
  const { rec } = tape;
  const [rows, half, width] = [x.rows, headDim / 2, heads * headDim];
  invariant(
    headDim % 2 === 0 && column + width <= x.columns && positions.size >= rows,
    `rotary: ${heads} heads of ${headDim} from column ${column} of [${x.shape}]`,
  );
  const y = into?.tensor ?? rec.empty('rotary', [rows, width]);
  const shared = { rows, heads, half };
  rec.dispatch('rotary', rotary_, {
    constants: { OUT_ROWS: !!into },
    bind: { x, table, positions, y, ...(into && { outRows: into.rows }) },
    params: {
      ...shared,
      xStride: x.columns,
      xColumn: column,
      yStride: y.columns,
      yColumn: 0,
      direction: 1,
      accumulate: 0,
    },
    groups: flatGroups(rows * heads * half),
  });
  if (into) {
    invariant(!tape.tracks(x), 'rotary into a cache is not differentiable');
    return y;
  }
  tape.node([x], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'rotary without a gradient');
    const dx = tape.sink(x);
    if (!dx.accumulate && x.columns !== width) {
      rec.clear(dx.tensor);
    }
    rec.dispatch('rotary', rotary_, {
      constants: { OUT_ROWS: false },
      bind: { x: dy, table, positions, y: dx.tensor },
      params: {
        ...shared,
        xStride: dy.columns,
        xColumn: 0,
        yStride: dx.tensor.columns,
        yColumn: column,
        direction: -1,
        accumulate: Number(dx.accumulate),
      },
      groups: flatGroups(rows * heads * half),
    });
  });
  return y;
}
