/**
 * One decoder layer in SmolVLM-256M's shape (SmolLM2-135M) with LoRA on all seven projections: y, the gradient of x and
 * those of every A and B.
 */
import { jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { Recorder, type Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { decoder, type DecoderLayerWeights, type DecoderLinear, type DecoderShape } from '../../src/nn/decoder.ts';
import type { Lora } from '../../src/ops/linear.ts';
import { Tape } from '../../src/ops/tape.ts';
import type { Bench } from '../bench.ts';
import type { Contest } from '../contest.ts';
import { numbers, transpose } from '../numbers.ts';
import { recorded, type Resident } from '../ours.ts';
import { JAX, jaxArray, jaxSide } from '../peers/jax.ts';
import { causal, causalFlops } from './attention.ts';

export const SMOL: DecoderShape = {
  hiddenSize: 576,
  layers: 1,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  intermediateSize: 1536,
  normEps: 1e-5,
};

const SCALING = 2;
const SCORES_BYTES = 128 * 2 ** 20;

/** [in, out] of the seven projections. */
export const projections = ({ hiddenSize: h, heads, kvHeads, headDim: d, intermediateSize: f }: DecoderShape) =>
  ({
    q: [h, heads * d],
    k: [h, kvHeads * d],
    v: [h, kvHeads * d],
    o: [heads * d, h],
    gate: [h, f],
    up: [h, f],
    down: [f, h],
  }) satisfies Record<DecoderLinear, readonly [number, number]>;

const NAMES = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

export interface LayerNumbers {
  /** [in, out] */
  readonly w: Readonly<Record<DecoderLinear, Float32Array<ArrayBuffer>>>;
  /** [in, r] */
  readonly a: Readonly<Record<DecoderLinear, Float32Array<ArrayBuffer>>>;
  /** [r, out] */
  readonly b: Readonly<Record<DecoderLinear, Float32Array<ArrayBuffer>>>;
}

export function layerNumbers(shape: DecoderShape, r: number, seed: number): LayerNumbers {
  const sizes = projections(shape);
  const draw = (salt: number, size: (io: readonly [number, number]) => number, scale: (inputs: number) => number) =>
    Object.fromEntries(
      NAMES.map((name, i) => [name, numbers(seed + salt + i, size(sizes[name]), scale(sizes[name][0]))]),
    ) as LayerNumbers['w'];
  return {
    w: draw(
      0,
      ([i, o]) => i * o,
      (i) => 2 / Math.sqrt(i),
    ),
    a: draw(
      10,
      ([i]) => i * r,
      (i) => 2 / Math.sqrt(i),
    ),
    b: draw(
      20,
      ([, o]) => r * o,
      () => 0.1,
    ),
  };
}

/** The layer on our side: weights, its adapter, and the adapter's gradients in the order of NAMES. */
export function layerTensors(
  resident: Resident,
  shape: DecoderShape,
  r: number,
  values: LayerNumbers,
  prefix = '',
): { weights: DecoderLayerWeights; loras: Map<string, Lora>; gradients: Tensor[] } {
  const sizes = projections(shape);
  const ones = new Float32Array(shape.hiddenSize).fill(1);
  const loras = new Map<string, Lora>();
  const linears = Object.fromEntries(
    NAMES.map((name) => {
      const [inn, out] = sizes[name];
      const module = prefix + name;
      loras.set(module, {
        a: resident(`${module} A`, [r, inn], transpose(values.a[name], inn, r)),
        b: resident(`${module} B`, [out, r], transpose(values.b[name], r, out)),
        gradA: resident(`${module} dA`, [r, inn]),
        gradB: resident(`${module} dB`, [out, r]),
        scaling: SCALING,
      });
      const weight = resident(`${module} W`, [out, inn], transpose(values.w[name], inn, out));
      return [name, { module, weights: { weight } }];
    }),
  ) as unknown as DecoderLayerWeights['linears'];
  return {
    weights: {
      inputNorm: resident('input norm', [shape.hiddenSize], ones),
      postNorm: resident('post norm', [shape.hiddenSize], ones),
      linears,
    },
    loras,
    gradients: [...loras.values()].flatMap(({ gradA, gradB }) => [gradA, gradB]),
  };
}

/** cos and sin, [T, D/2, 2]. */
export function rotaryTable(T: number, D: number, theta = 1e5): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: T * D }, (_, i) => {
    const angle = Math.floor(i / D) * theta ** (-(2 * Math.floor((i % D) / 2)) / D);
    return i % 2 ? Math.sin(angle) : Math.cos(angle);
  });
}

export const upTo = (n: number): Uint32Array<ArrayBuffer> => Uint32Array.from({ length: n }, (_, i) => i);

export const layerFlops = (shape: DecoderShape, T: number, r: number): number =>
  Object.values(projections(shape)).reduce((sum, [i, o]) => sum + 2 * T * i * o * 2 + 2 * T * r * (i + o) * 3, 0) +
  causalFlops({ T, heads: shape.heads, kvHeads: shape.kvHeads, D: shape.headDim });

export function decoderLayer({ session }: Bench, T: number, r = 8): Contest {
  const shape = SMOL;
  const { hiddenSize: H } = shape;
  const values = layerNumbers(shape, r, 100);
  const [x, dy] = [numbers(1, T * H, 2), numbers(2, T * H, 2)];
  return {
    name: `decoder layer of SmolVLM-256M, LoRA r${r}, T ${T}, there and back`,
    work: layerFlops(shape, T, r) / 1e9,
    unit: 'GFLOP/s',
    ours: () => recorded(session, (resident) => recordLayer(session, resident, { T, r, x, dy, values })),
    rivals: { [JAX]: () => jaxLayer({ T, r, x, dy, values }) },
  };
}

interface Job {
  readonly T: number;
  readonly r: number;
  readonly x: Float32Array<ArrayBuffer>;
  readonly dy: Float32Array<ArrayBuffer>;
  readonly values: LayerNumbers;
}

function recordLayer(session: Session, resident: Resident, { T, r, x, dy, values }: Job) {
  const shape = SMOL;
  const rec = new Recorder(session, 'decoder layer');
  const tape = new Tape(rec);
  const input = tape.track(resident('x', [T, shape.hiddenSize], x));
  const { weights, loras, gradients } = layerTensors(resident, shape, r, values);
  for (const gradient of gradients) rec.clear(gradient);
  const { ranges, keyRanges } = causal(T);
  const y = decoder(tape, input, shape, [weights], {
    rotary: {
      table: resident('rotary', [T, shape.headDim / 2, 2], rotaryTable(T, shape.headDim)),
      positions: resident('positions', [T], upTo(T), 'u32'),
    },
    ranges: resident('ranges', [T, 4], ranges, 'u32'),
    keyRanges: resident('key ranges', [T, 2], keyRanges, 'u32'),
    lora: (module) => loras.get(module),
  });
  // The residual takes the output's gradient over as it is, and adds to it: it must be a copy of what is kept.
  const seed = rec.empty('dy', [T, shape.hiddenSize]);
  rec.copy(resident('dy', [T, shape.hiddenSize], dy), seed);
  tape.addGrad(y, seed);
  tape.backward();
  const dx = tape.grad(input)!;
  rec.output(y);
  rec.output(dx);
  return { program: rec.finish(), results: [y, dx, ...gradients] };
}

function jaxLayer({ T, r, x, dy, values }: Job) {
  const { hiddenSize: H, heads, kvHeads, headDim: D, normEps } = SMOL;
  const sizes = projections(SMOL);
  type Named = Record<DecoderLinear, np.Array>;
  const named = (make: (name: DecoderLinear) => np.Array) =>
    Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Named;
  const half = rotaryTable(T, D);
  // Halves are turned against each other: cos and sin of both halves are the same.
  const table = (part: number) =>
    jaxArray(
      Float32Array.from({ length: T * D }, (_, i) => half[Math.floor(i / D) * D + 2 * (i % (D / 2)) + part]!),
      T,
      1,
      D,
    );
  const p = {
    x: jaxArray(x, T, H),
    a: named((name) => jaxArray(values.a[name], sizes[name][0], r)),
    b: named((name) => jaxArray(values.b[name], r, sizes[name][1])),
  };
  const w = { ...named((name) => jaxArray(values.w[name], ...sizes[name])), cos: table(0), sin: table(1) };
  const gradient = jaxArray(dy, T, H);
  const norm = (v: np.Array) => {
    const mean = v.ref.mul(v.ref).mean(-1, { keepdims: true }).add(normEps);
    return v.mul(np.reciprocal(np.sqrt(mean)));
  };
  // jax-js keeps every score: those of all heads must fit one binding (128 MiB with most drivers), or what it computes is
  // wrong without a word. Where they do not, it gets one key head after the other.
  const parts = heads * T * T * 4 > SCORES_BYTES ? kvHeads : 1;
  const attend = (...qkv: [np.Array, np.Array, np.Array]) => {
    const [qs, ks, vs] = qkv.map((v) => np.split(v, parts, 1)) as [np.Array[], np.Array[], np.Array[]];
    const out = qs.map((v, i) => nn.dotProductAttention(v, ks[i]!, vs[i]!, { isCausal: true }));
    return parts === 1 ? out[0]! : np.concatenate(out, 1);
  };
  const loss = (q: typeof p, frozen: typeof w, g: np.Array): [np.Array, np.Array] => {
    const project = (name: DecoderLinear, v: np.Array) =>
      np.matmul(v.ref, frozen[name]).add(np.matmul(np.matmul(v, q.a[name]), q.b[name]).mul(SCALING));
    const turn = (v: np.Array, cos: np.Array, sin: np.Array) => {
      const [a, b] = np.split(v.ref, 2, -1) as [np.Array, np.Array];
      return v.mul(cos).add(np.concatenate([b.mul(-1), a], -1).mul(sin));
    };
    const h = norm(q.x.ref);
    const o = attend(
      turn(project('q', h.ref).reshape([T, heads, D]), frozen.cos.ref, frozen.sin.ref),
      turn(project('k', h.ref).reshape([T, kvHeads, D]), frozen.cos, frozen.sin),
      project('v', h).reshape([T, kvHeads, D]),
    );
    const middle = q.x.add(project('o', o.reshape([T, heads * D])));
    const n = norm(middle.ref);
    const y = middle.add(project('down', nn.silu(project('gate', n.ref)).mul(project('up', n))));
    return [y.ref.mul(g).sum(), y];
  };
  const both = jit(valueAndGrad(loss, { hasAux: true }));
  return jaxSide(() => {
    const [[value, y], d] = both(tree.ref(p), tree.ref(w), gradient.ref);
    value.dispose();
    return [y, d.x, ...NAMES.flatMap((name) => [np.transpose(d.a[name]), np.transpose(d.b[name])])];
  }, [p, w, gradient]);
}
