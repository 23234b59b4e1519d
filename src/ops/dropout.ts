/** Dropout (arXiv 1207.0580) on the input of an adapter, as PEFT's lora_dropout. */
import dropout_ from '../../shaders/dropout/dropout.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import type { Tape } from './tape.ts';

export interface Dropout {
  /** Probability of dropping an element, 0 ≤ p < 1. */
  readonly p: number;
  /** u32 [1], new for every pass. */
  readonly seed: Tensor;
  /** Tells this place from others under the same seed. */
  readonly id: number;
}

/** x → y of the same shape. */
export function dropout(tape: Tape, x: Tensor, { p, seed, id }: Dropout): Tensor {
  const { rec } = tape;
  invariant(p >= 0 && p < 1, `dropout of ${p}`);
  const n = x.size;
  const record = (input: Tensor, output: Tensor, accumulate: boolean) =>
    rec.dispatch('dropout', dropout_, {
      bind: { x: input, seed, y: output },
      params: { n, id, threshold: Math.floor(p * 4294967296), scale: 1 / (1 - p), accumulate: Number(accumulate) },
      groups: flatGroups(n),
    });
  const y = rec.empty('dropout', x.shape);
  record(x, y, false);
  tape.node([x], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'dropout without a gradient');
    const dx = tape.sink(x);
    record(dy, dx.tensor, dx.accumulate);
  });
  return y;
}
