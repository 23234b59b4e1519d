/** Layer normalisation (arXiv 1607.06450) with frozen weight and bias. */
import backward from '../../shaders/layer-norm/backward.wgsl';
import forward from '../../shaders/layer-norm/forward.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { rowGroups } from './groups.ts';
import type { Tape } from './tape.ts';

/** x [T, C], weight [C], bias [C] → y [T, C]. C is a multiple of 4. */
export function layerNorm(tape: Tape, x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const { rec } = tape;
  const [rows, columns] = [x.rows, x.columns];
  invariant(
    columns % 4 === 0 && weight.size === columns && bias.size === columns,
    `layer norm: [${x.shape}] with weight [${weight.shape}] and bias [${bias.shape}]`,
  );
  const y = rec.empty('layer norm', x.shape);
  const stats = rec.empty('mean and rstd', [rows, 2]);
  rec.dispatch('layer-norm/forward', forward, {
    bind: { x, weight, bias, y, stats },
    params: { rows, columns, eps },
    groups: rowGroups(rows),
  });
  tape.node([x], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'layer norm without a gradient');
    const dx = tape.sink(x);
    rec.dispatch('layer-norm/backward', backward, {
      bind: { x, weight, stats, dy, dx: dx.tensor },
      params: { rows, columns, accumulate: Number(dx.accumulate) },
      groups: rowGroups(rows),
    });
  });
  return y;
}
