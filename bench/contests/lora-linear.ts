/** One frozen linear layer with a LoRA adapter: y, and the gradients of x, A and B. Each side in its own layout. */
import { jit, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs-core';
import { Recorder } from '../../src/gpu/recorder.ts';
import { linear } from '../../src/ops/linear.ts';
import { Tape } from '../../src/ops/tape.ts';
import type { Bench } from '../bench.ts';
import type { Contest } from '../contest.ts';
import { numbers, transpose } from '../numbers.ts';
import { recorded } from '../ours.ts';
import { JAX, jaxArray, jaxSide } from '../peers/jax.ts';
import { TFJS, tfjsSide } from '../peers/tfjs.ts';

export function loraLinear(
  { session }: Bench,
  { T, K, N, r }: { readonly T: number; readonly K: number; readonly N: number; readonly r: number },
): Contest {
  const [x, w, a, b, dy] = [
    numbers(1, T * K),
    numbers(2, K * N, 0.1),
    numbers(3, K * r, 0.1),
    numbers(4, r * N, 0.1),
    numbers(5, T * N),
  ];
  return {
    name: `LoRA linear ${T}×${K}→${N} r${r}, there and back`,
    work: (2 * T * K * N * 2 + 2 * T * r * (K + N) * 3) / 1e9,
    unit: 'GFLOP/s',
    ours: () =>
      recorded(session, (resident) => {
        const rec = new Recorder(session, 'LoRA linear');
        const tape = new Tape(rec);
        const input = tape.track(resident('x', [T, K], x));
        const lora = {
          a: resident('a', [r, K], transpose(a, K, r)),
          b: resident('b', [N, r], transpose(b, r, N)),
          gradA: resident('gradA', [r, K]),
          gradB: resident('gradB', [N, r]),
          scaling: 2,
        };
        rec.clear(lora.gradA);
        rec.clear(lora.gradB);
        const y = linear(tape, input, { weight: resident('w', [N, K], transpose(w, K, N)) }, { lora });
        tape.addGrad(y, resident('dy', [T, N], dy));
        tape.backward();
        const dx = tape.grad(input)!;
        return { program: (rec.output(dx), rec.output(y), rec.finish()), results: [y, dx, lora.gradA, lora.gradB] };
      }),
    rivals: {
      [JAX]: () => {
        const p = { x: jaxArray(x, T, K), a: jaxArray(a, K, r), b: jaxArray(b, r, N) };
        const [wj, g] = [jaxArray(w, K, N), jaxArray(dy, T, N)];
        const loss = (q: typeof p, weight: np.Array, gradient: np.Array): [np.Array, np.Array] => {
          const y = np.matmul(q.x.ref, weight).add(np.matmul(np.matmul(q.x, q.a), q.b).mul(2));
          return [y.ref.mul(gradient).sum(), y];
        };
        const both = jit(valueAndGrad(loss, { hasAux: true }));
        return jaxSide(() => {
          const [[value, y], d] = both(tree.ref(p), wj.ref, g.ref);
          value.dispose();
          // Ours has A and B transposed; so must what is compared.
          return [y, d.x, np.transpose(d.a), np.transpose(d.b)];
        }, [p, wj, g]);
      },
      [TFJS]: async () => {
        const held = [
          tf.tensor2d(x, [T, K]),
          tf.tensor2d(a, [K, r]),
          tf.tensor2d(b, [r, N]),
          tf.tensor2d(w, [K, N]),
          tf.tensor2d(dy, [T, N]),
        ] as const;
        const [xt, at, bt, wt, gt] = held;
        const layer = (p: tf.Tensor, q: tf.Tensor, s: tf.Tensor) =>
          tf.add(tf.matMul(p, wt), tf.mul(tf.matMul(tf.matMul(p, q), s), 2));
        const gradients = tf.valueAndGrads((p: tf.Tensor, q: tf.Tensor, s: tf.Tensor) => layer(p, q, s));
        return tfjsSide(
          () =>
            tf.tidy(() => {
              const { value, grads } = gradients([xt, at, bt], gt);
              return [value, grads[0]!, tf.transpose(grads[1]!), tf.transpose(grads[2]!)];
            }),
          held,
        );
      },
    },
  };
}
