/** Root-mean-square normalisation (arXiv 1910.07467) with a frozen weight. */
import backward from '../../shaders/rms-norm/backward.wgsl';
import forward from '../../shaders/rms-norm/forward.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { rowGroups } from './groups.ts';
import type { Tape } from './tape.ts';

/** x [T, C], weight [C] → y [T, C]. C is a multiple of 4. */
export function rmsNorm(tape: Tape, x: Tensor, weight: Tensor, eps: number): Tensor {
  const { rec } = tape;
  const [rows, columns] = [x.rows, x.columns];
  invariant(columns % 4 === 0 && weight.size === columns, `rms norm: [${x.shape}] with weight [${weight.shape}]`);
  const y = rec.empty('rms norm', x.shape);
  const rstd = rec.empty('rstd', [rows]);
  rec.dispatch('rms-norm/forward', forward, {
    bind: { x, weight, y, rstd },
    params: { rows, columns, eps },
    groups: rowGroups(rows),
  });
  tape.node([x], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'rms norm without a gradient');
    const dx = tape.sink(x);
    rec.dispatch('rms-norm/backward', backward, {
      bind: { x, weight, rstd, dy, dx: dx.tensor },
      params: { rows, columns, accumulate: Number(dx.accumulate) },
      groups: rowGroups(rows),
    });
  });
  return y;
}
