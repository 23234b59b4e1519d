/** GELU (arXiv 1606.08415), the exact error-function form. */
import gelu_ from '../../shaders/gelu/gelu.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import type { Tape } from './tape.ts';

/** x → y of the same shape. */
export function gelu(tape: Tape, x: Tensor): Tensor {
  const { rec } = tape;
  const y = rec.empty('gelu', x.shape);
  const n = x.size;
  rec.dispatch('gelu/forward', gelu_, {
    constants: { BACKWARD: false },
    bind: { x, y },
    params: { n, accumulate: 0 },
    groups: flatGroups(n),
  });
  tape.node([x], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'gelu without a gradient');
    const dx = tape.sink(x);
    rec.dispatch('gelu/backward', gelu_, {
      constants: { BACKWARD: true },
      bind: { x, dy, dx: dx.tensor },
      params: { n, accumulate: Number(dx.accumulate) },
      groups: flatGroups(n),
    });
  });
  return y;
}
