/** Matrix products: the plain one every library starts with, and the transposed one that a frozen linear layer runs. */
import { jit, numpy as np } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs-core';
import { f32ArrayToF16 } from '../../src/formats/half.ts';
import { Recorder } from '../../src/gpu/recorder.ts';
import { matmulNn, matmulNt } from '../../src/ops/matmul.ts';
import type { Bench } from '../bench.ts';
import type { Contest } from '../contest.ts';
import { numbers } from '../numbers.ts';
import { recorded } from '../ours.ts';
import { JAX, jaxArray, jaxSide } from '../peers/jax.ts';
import { TFJS, tfjsSide } from '../peers/tfjs.ts';

/** x [n, n] · w [n, n] */
export function square({ session }: Bench, n: number): Contest {
  const [x, w] = [numbers(1, n * n), numbers(2, n * n)];
  return {
    name: `matmul ${n}`,
    work: (2 * n ** 3) / 1e9,
    unit: 'GFLOP/s',
    ours: () =>
      recorded(session, (resident) => {
        const rec = new Recorder(session, 'square');
        const y = resident('y', [n, n]);
        matmulNn(rec, resident('x', [n, n], x), resident('w', [n, n], w), y);
        return { program: rec.finish(), results: [y] };
      }),
    rivals: {
      [JAX]: () => {
        const [a, b] = [jaxArray(x, n, n), jaxArray(w, n, n)];
        return jaxSide(() => [np.matmul(a.ref, b.ref)], [a, b]);
      },
      [TFJS]: async () => {
        const [a, b] = [tf.tensor2d(x, [n, n]), tf.tensor2d(w, [n, n])];
        return tfjsSide(() => [tf.matMul(a, b)], [a, b]);
      },
    },
  };
}

export interface LinearProduct {
  readonly T: number;
  readonly K: number;
  readonly N: number;
  /** How w is kept. A rival without f16 gets it in f32. */
  readonly format: 'f32' | 'f16';
}

/** x [T, K] · wᵀ, w [N, K]: a frozen linear layer, in training or, with few rows, in decoding. */
export function linearProduct({ session, f16 }: Bench, { T, K, N, format }: LinearProduct): Contest {
  const [x, w] = [numbers(1, T * K), halves(numbers(2, N * K))];
  const square = T === K && K === N;
  return {
    name: `matmul ${square ? T : `${T}×${K}→${N}`}, ${format} weights, transposed`,
    work: (2 * T * K * N) / 1e9,
    unit: 'GFLOP/s',
    ours: () =>
      recorded(session, (resident) => {
        const rec = new Recorder(session, 'transposed');
        const y = resident('y', [T, N]);
        const weight = resident('w', [N, K], format === 'f16' ? w.packed : w.values, format);
        matmulNt(rec, resident('x', [T, K], x), weight, y);
        return { program: rec.finish(), results: [y] };
      }),
    rivals: {
      [JAX]: () => {
        const wide = jaxArray(w.values, N, K);
        const [a, b] = [jaxArray(x, T, K), format === 'f16' && f16 ? wide.astype(np.float16) : wide];
        const product = jit((p: np.Array, q: np.Array) => np.matmul(p, np.transpose(q.astype(np.float32))));
        return jaxSide(() => [product(a.ref, b.ref)], [a, b]);
      },
      [TFJS]: async () => {
        const [a, b] = [tf.tensor2d(x, [T, K]), tf.tensor2d(w.values, [N, K])];
        return tfjsSide(() => [tf.matMul(a, b, false, true)], [a, b]);
      },
    },
  };
}

/** Values cut to what a half holds exactly (10 bits after the leading one), and those halves, two to a word. */
function halves(values: Float32Array<ArrayBuffer>): { values: Float32Array<ArrayBuffer>; packed: Uint32Array } {
  const cut = values.map((v) => Math.round(v * 1024) / 1024);
  return { values: cut, packed: new Uint32Array(f32ArrayToF16(cut).bits.buffer) };
}
