/**
 * One decoding step of one layer in SmolVLM-256M's shape: a token for each of several rows, keys and values of those
 * before it in a cache, this one's written to its end. Base weights alone, as a merged policy decodes.
 */
import { jit, nn, numpy as np, tree } from '@jax-js/jax';
import { Recorder } from '../../src/gpu/recorder.ts';
import { decoder, type DecoderLinear } from '../../src/nn/decoder.ts';
import { Tape } from '../../src/ops/tape.ts';
import type { Bench } from '../bench.ts';
import type { Contest } from '../contest.ts';
import { numbers } from '../numbers.ts';
import { recorded } from '../ours.ts';
import { JAX, jaxArray, jaxSide } from '../peers/jax.ts';
import { layerNumbers, layerTensors, projections, rotaryTable, SMOL } from './decoder-layer.ts';

export function decodeStep(
  { session }: Bench,
  { rows, context }: { readonly rows: number; readonly context: number },
): Contest {
  const { hiddenSize: H, heads, kvHeads, headDim: D, normEps } = SMOL;
  const values = layerNumbers(SMOL, 4, 100);
  const x = numbers(1, rows * H, 2);
  const [k, v] = [numbers(2, rows * context * kvHeads * D, 2), numbers(3, rows * context * kvHeads * D, 2)];
  const sizes = projections(SMOL);
  const weights = Object.values(sizes).reduce((sum, [i, o]) => sum + i * o, 0);
  const last = context - 1;
  const table = rotaryTable(context, D).slice(last * D);
  return {
    name: `decoding step of that layer, ${rows} rows, ${context} keys each`,
    work: (rows * (2 * weights + 4 * context * heads * D)) / 1e9,
    unit: 'GFLOP/s',
    ours: () =>
      recorded(session, (resident) => {
        const rec = new Recorder(session, 'decode');
        const tape = new Tape(rec, { recording: false });
        const cache = {
          k: resident('k', [rows * context, kvHeads * D], k),
          v: resident('v', [rows * context, kvHeads * D], v),
        };
        const ends = Uint32Array.from({ length: rows }, (_, b) => b * context + last);
        const y = decoder(tape, resident('x', [rows, H], x), SMOL, [layerTensors(resident, SMOL, 4, values).weights], {
          rotary: {
            table: resident('rotary', [1, D / 2, 2], table),
            positions: resident('positions', [rows], new Uint32Array(rows), 'u32'),
          },
          ranges: resident(
            'ranges',
            [rows, 4],
            Uint32Array.from(
              { length: 4 * rows },
              (_, i) => [0, 0, (i >> 2) * context, ((i >> 2) + 1) * context][i % 4]!,
            ),
            'u32',
          ),
          cache: { layers: [cache], rows: resident('cache rows', [rows], ends, 'i32') },
          scattered: true,
        });
        rec.output(y);
        return { program: rec.finish(), results: [y] };
      }),
    rivals: {
      [JAX]: () => {
        const names = Object.keys(sizes) as DecoderLinear[];
        const half = (part: number) => Float32Array.from({ length: D }, (_, i) => table[2 * (i % (D / 2)) + part]!);
        const held = {
          w: Object.fromEntries(names.map((name) => [name, jaxArray(values.w[name], ...sizes[name])])) as Record<
            DecoderLinear,
            np.Array
          >,
          x: jaxArray(x, rows, H),
          k: jaxArray(k, rows, context, kvHeads, D),
          v: jaxArray(v, rows, context, kvHeads, D),
          cos: jaxArray(half(0), 1, 1, 1, D),
          sin: jaxArray(half(1), 1, 1, 1, D),
          /** 1 at the new token's place in the cache. */
          here: jaxArray(
            Float32Array.from({ length: context }, (_, i) => Number(i === last)),
            1,
            context,
            1,
            1,
          ),
        };
        const norm = (t: np.Array) => {
          const mean = t.ref.mul(t.ref).mean(-1, { keepdims: true }).add(normEps);
          return t.mul(np.reciprocal(np.sqrt(mean)));
        };
        const step = jit(({ w, x: input, k: keys, v: cached, cos, sin, here }: typeof held) => {
          const turn = (t: np.Array) => {
            const [a, b] = np.split(t.ref, 2, -1) as [np.Array, np.Array];
            return t.mul(cos.ref).add(np.concatenate([b.mul(-1), a], -1).mul(sin.ref));
          };
          const put = (old: np.Array, fresh: np.Array) => old.mul(here.ref.mul(-1).add(1)).add(fresh.mul(here.ref));
          const h = norm(input.ref);
          const q = turn(np.matmul(h.ref, w.q).reshape([rows, 1, heads, D]));
          const allKeys = put(keys, turn(np.matmul(h.ref, w.k).reshape([rows, 1, kvHeads, D])));
          const allValues = put(cached, np.matmul(h, w.v).reshape([rows, 1, kvHeads, D]));
          const o = nn.dotProductAttention(q, allKeys, allValues).reshape([rows, heads * D]);
          for (const used of [cos, sin, here]) used.dispose();
          const middle = input.add(np.matmul(o, w.o));
          const n = norm(middle.ref);
          return middle.add(np.matmul(nn.silu(np.matmul(n.ref, w.gate)).mul(np.matmul(n, w.up)), w.down));
        });
        return jaxSide(() => [step(tree.ref(held))], held);
      },
    },
  };
}
