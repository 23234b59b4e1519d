/** A table of positions read between its entries. */
import interpolate_ from '../../shaders/gather/interpolate.wgsl';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import { partsOf, weightConstants, type MatrixPart } from './matrix.ts';
import type { Tape } from './tape.ts';

/** table [N, C] frozen, corners u32 [T, 4], shares f32 [T, 4] → y [T, C] = Σₖ sharesₖ · table[cornersₖ]. Without a gradient. */
export function interpolateRows({ rec }: Tape, table: Tensor, corners: Tensor, shares: Tensor): Tensor {
  const [rows, c4] = [corners.size / 4, table.columns / 4];
  const y = rec.empty('interpolated', [rows, table.columns]);
  rec.dispatch('gather/interpolate', interpolate_, {
    constants: weightConstants(partsOf(table)[0] as MatrixPart),
    bind: { w: table, corners, shares, y },
    params: { rows, c4 },
    groups: flatGroups(rows * c4),
  });
  return y;
}
