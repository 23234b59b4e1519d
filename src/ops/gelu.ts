/** GELU (arXiv 1606.08415): the exact error-function form and the two approximations that models were trained with. */
import gelu_ from '../../shaders/gelu/gelu.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import type { Tape } from './tape.ts';

/** `erf`: exact. `tanh`: torch's approximate="tanh" (gelu_pytorch_tanh). `quick`: x · sigmoid(1.702 x). */
export type GeluForm = 'erf' | 'tanh' | 'quick';

const FORMS: Readonly<Record<GeluForm, number>> = { erf: 0, tanh: 1, quick: 2 };

/** x → y of the same shape. */
export function gelu(tape: Tape, x: Tensor, form: GeluForm = 'erf'): Tensor {
  const { rec } = tape;
  const y = rec.empty('gelu', x.shape);
  const n = x.size;
  const FORM = FORMS[form];
  rec.dispatch('gelu/forward', gelu_, {
    constants: { BACKWARD: false, FORM },
    bind: { x, y },
    params: { n, accumulate: 0 },
    groups: flatGroups(n),
  });
  tape.node([x], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'gelu without a gradient');
    const dx = tape.sink(x);
    rec.dispatch('gelu/backward', gelu_, {
      constants: { BACKWARD: true, FORM },
      bind: { x, dy, dx: dx.tensor },
      params: { n, accumulate: Number(dx.accumulate) },
      groups: flatGroups(n),
    });
  });
  return y;
}
