/** The gated product of a SwiGLU MLP (arXiv 2002.05202): silu(gate) · up. */
import backward from '../../shaders/swiglu/backward.wgsl';
import forward from '../../shaders/swiglu/forward.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import type { Tape } from './tape.ts';

/** gate [T, F], up [T, F] → y [T, F]. T·F is a multiple of 4. */
export function swiglu(tape: Tape, gate: Tensor, up: Tensor): Tensor {
  const { rec } = tape;
  invariant(gate.size === up.size && gate.size % 4 === 0, `swiglu: [${gate.shape}] and [${up.shape}]`);
  const n = gate.size / 4;
  const y = rec.empty('swiglu', gate.shape);
  rec.dispatch('swiglu/forward', forward, { bind: { gate, up, y }, params: { n }, groups: flatGroups(n) });
  tape.node([gate, up], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'swiglu without a gradient');
    const [dgate, dup] = [tape.sink(gate), tape.sink(up)];
    invariant(!dgate.accumulate && !dup.accumulate, 'swiglu: its inputs feed nothing else');
    rec.dispatch('swiglu/backward', backward, {
      bind: { gate, up, dy, dgate: dgate.tensor, dup: dup.tensor },
      params: { n },
      groups: flatGroups(n),
    });
  });
  return y;
}
