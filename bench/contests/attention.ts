/** Causal attention with shared key heads, forward and all gradients: o, dq, dk, dv. */
import { jit, nn, type numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs-core';
import { Recorder } from '../../src/gpu/recorder.ts';
import { attention } from '../../src/ops/attention.ts';
import { Tape } from '../../src/ops/tape.ts';
import type { Bench } from '../bench.ts';
import type { Contest } from '../contest.ts';
import { numbers } from '../numbers.ts';
import { recorded } from '../ours.ts';
import { JAX, jaxArray, jaxSide } from '../peers/jax.ts';
import { TFJS, tfjsSide } from '../peers/tfjs.ts';

export interface AttentionShape {
  readonly T: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly D: number;
}

/** What every query of one causal sequence sees, and by whom every key is seen (ops/attention.ts). */
export const causal = (T: number) => ({
  ranges: Uint32Array.from({ length: 4 * T }, (_, i) => (i % 4 === 3 ? (i >> 2) + 1 : 0)),
  keyRanges: Uint32Array.from({ length: 2 * T }, (_, i) => (i % 2 ? T : i >> 1)),
});

/** Multiplications and additions of causal attention: two products forward, five backward. */
export const causalFlops = ({ T, heads, D }: AttentionShape): number => 7 * T * (T + 1) * heads * D;

export function causalAttention({ session }: Bench, shape: AttentionShape): Contest {
  const { T, heads, kvHeads, D } = shape;
  const [q, k, v, dO] = [
    numbers(1, T * heads * D, 4),
    numbers(2, T * kvHeads * D, 4),
    numbers(3, T * kvHeads * D),
    numbers(4, T * heads * D),
  ];
  return {
    name: `attention T ${T}, ${heads} over ${kvHeads} heads of ${D}, causal, there and back`,
    work: causalFlops(shape) / 1e9,
    unit: 'GFLOP/s',
    ours: () =>
      recorded(session, (resident) => {
        const rec = new Recorder(session, 'attention');
        const tape = new Tape(rec);
        const [qt, kt, vt] = [
          tape.track(resident('q', [T, heads * D], q)),
          tape.track(resident('k', [T, kvHeads * D], k)),
          tape.track(resident('v', [T, kvHeads * D], v)),
        ];
        const { ranges, keyRanges } = causal(T);
        const o = attention(tape, {
          q: qt,
          k: kt,
          v: vt,
          ranges: resident('ranges', [T, 4], ranges, 'u32'),
          keyRanges: resident('key ranges', [T, 2], keyRanges, 'u32'),
          heads,
          kvHeads,
          headDim: D,
          scale: 1 / Math.sqrt(D),
        });
        tape.addGrad(o, resident('dO', [T, heads * D], dO));
        tape.backward();
        const results = [o, ...[qt, kt, vt].map((t) => tape.grad(t)!)];
        for (const tensor of results) rec.output(tensor);
        return { program: rec.finish(), results };
      }),
    rivals: {
      [JAX]: () => {
        const p = { q: jaxArray(q, T, heads, D), k: jaxArray(k, T, kvHeads, D), v: jaxArray(v, T, kvHeads, D) };
        const g = jaxArray(dO, T, heads, D);
        const loss = (a: typeof p, gradient: np.Array): [np.Array, np.Array] => {
          const o = nn.dotProductAttention(a.q, a.k, a.v, { isCausal: true });
          return [o.ref.mul(gradient).sum(), o];
        };
        const both = jit(valueAndGrad(loss, { hasAux: true }));
        return jaxSide(() => {
          const [[value, o], d] = both(tree.ref(p), g.ref);
          value.dispose();
          return [o, d.q, d.k, d.v];
        }, [p, g]);
      },
      [TFJS]: async () => {
        // [heads, T, D]; its products take heads in front, and repeat the shared ones.
        const group = heads / kvHeads;
        const front = (values: Float32Array, n: number) =>
          tf.tidy(() => tf.transpose(tf.tensor3d(values, [T, n, D]), [1, 0, 2]));
        const hidden = tf.tidy(() => tf.sub(1, tf.linalg.bandPart(tf.ones([T, T]), -1, 0)));
        const held = [front(q, heads), front(k, kvHeads), front(v, kvHeads), front(dO, heads), hidden];
        const [qt, kt, vt, gt] = held as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const repeat = (x: tf.Tensor) => tf.reshape(tf.tile(tf.expandDims(x, 1), [1, group, 1, 1]), [heads, T, D]);
        const attend = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => {
          const scores = tf.mul(tf.matMul(a, repeat(b), false, true), 1 / Math.sqrt(D));
          return tf.matMul(tf.softmax(tf.sub(scores, tf.mul(hidden, 1e9))), repeat(c));
        };
        const gradients = tf.valueAndGrads(attend);
        const back = (x: tf.Tensor) => tf.transpose(x, [1, 0, 2]);
        return tfjsSide(
          () =>
            tf.tidy(() => {
              const { value, grads } = gradients([qt, kt, vt], gt);
              return [value, ...grads].map(back);
            }),
          held,
        );
      },
    },
  };
}
