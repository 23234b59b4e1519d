/**
 * The gradients of the f64 references are the finite differences of their forwards. Kernels are held to these references
 * in every profile (profiles.test.ts) and on a visitor's GPU (ops/proof.ts).
 */
import { test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import * as f64 from '../../src/ops/proof-reference.ts';
import { dot, expectClose, finiteDifference, normals } from './harness.ts';

const random = new Random(21);
const draw = (n: number): Float64Array => normals(random, n);

test('linear with LoRA', () => {
  const sizes = { T: 3, K: 8, N: 5, R: 4, scale: 0.75 };
  const { T, K, N, R } = sizes;
  const [x, w, a, b, dy] = [T * K, N * K, R * K, N * R, T * N].map(draw) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const [, dx, da, db] = f64.linear(x, w, a, b, dy, sizes);
  const loss = (...given: Parameters<typeof f64.linear>) => dot(f64.linear(...given)[0]!, dy);
  expectClose(
    finiteDifference((v) => loss(v, w, a, b, dy, sizes), x),
    dx!,
    1e-8,
    'dx',
  );
  expectClose(
    finiteDifference((v) => loss(x, w, v, b, dy, sizes), a),
    da!,
    1e-8,
    'dA',
  );
  expectClose(
    finiteDifference((v) => loss(x, w, a, v, dy, sizes), b),
    db!,
    1e-8,
    'dB',
  );
});

test('causal attention', () => {
  const sizes = { T: 5, heads: 4, kvHeads: 2, D: 4 };
  const { T, heads, kvHeads, D } = sizes;
  const [q, k, v, dO] = [heads, kvHeads, kvHeads, heads].map((h) => draw(T * h * D)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const [, dq, dk, dv] = f64.causalAttention(q, k, v, dO, sizes);
  const loss = (a: Float64Array, b: Float64Array, c: Float64Array) =>
    dot(f64.causalAttention(a, b, c, dO, sizes)[0]!, dO);
  expectClose(
    finiteDifference((x) => loss(x, k, v), q),
    dq!,
    1e-8,
    'dq',
  );
  expectClose(
    finiteDifference((x) => loss(q, x, v), k),
    dk!,
    1e-8,
    'dk',
  );
  expectClose(
    finiteDifference((x) => loss(q, k, x), v),
    dv!,
    1e-8,
    'dv',
  );
});

test('RMS norm, the gated product and the rotary embedding', () => {
  const [T, C, eps] = [3, 8, 1e-6];
  const [x, w, up, dy] = [T * C, C, T * C, T * C].map(draw) as [Float64Array, Float64Array, Float64Array, Float64Array];
  expectClose(
    finiteDifference((v) => dot(f64.rmsNorm(v, w, dy, { T, C, eps })[0]!, dy), x),
    f64.rmsNorm(x, w, dy, { T, C, eps })[1]!,
    1e-8,
    'dx of the norm',
  );
  const [, dgate, dup] = f64.swiglu(x, up, dy);
  expectClose(
    finiteDifference((v) => dot(f64.swiglu(v, up, dy)[0]!, dy), x),
    dgate!,
    1e-8,
    'dgate',
  );
  expectClose(
    finiteDifference((v) => dot(f64.swiglu(x, v, dy)[0]!, dy), up),
    dup!,
    1e-8,
    'dup',
  );
  const sizes = { T, heads: 2, D: 4 };
  const angles = draw(T * 2);
  const table = Float64Array.from({ length: T * 4 }, (_, i) => (i % 2 ? Math.sin : Math.cos)(angles[i >> 1]!));
  expectClose(
    finiteDifference((v) => dot(f64.rotate(v, table, sizes, 1), dy), x),
    f64.rotate(dy, table, sizes, -1),
    1e-8,
    'dx of the rotary embedding',
  );
});

test('layer norm, the three forms of GELU, and features in their places', () => {
  const [T, C, eps] = [3, 8, 1e-6];
  const [x, w, b, dy] = [T * C, C, C, T * C].map(draw) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const slope = (of: (v: Float64Array) => Float64Array, at: Float64Array) =>
    finiteDifference((v) => dot(of(v), dy), at);
  const norm = (v: Float64Array) => f64.layerNorm(v, w, b, dy, { T, C, eps });
  expectClose(
    slope((v) => norm(v)[0]!, x),
    norm(x)[1]!,
    1e-8,
    'dx of the layer norm',
  );
  for (const form of ['erf', 'tanh', 'quick'] as const)
    expectClose(
      slope((v) => f64.gelu(v, dy, form)[0]!, x),
      f64.gelu(x, dy, form)[1]!,
      1e-8,
      form,
    );
  const [table, features] = [draw(5 * C), draw(2 * C)];
  const places = { C, tokens: [4, 0, 2], index: [1, -1, -1] };
  expectClose(
    slope((v) => f64.embed(table, v, dy, places)[0]!, features),
    f64.embed(table, features, dy, places)[1]!,
    1e-8,
    'd features',
  );
});

test('the head, its log-probs weighted', () => {
  const sizes = { T: 3, H: 4, V: 11, temperature: 0.8 };
  const [hidden, head] = [draw(sizes.T * sizes.H), draw(sizes.V * sizes.H)];
  const [targets, weight] = [
    [3, 10, 0],
    [0.5, -0.25, 1],
  ];
  const [, , dhidden] = f64.head(hidden, head, targets, weight, sizes);
  const loss = (v: Float64Array) => -dot(f64.head(v, head, targets, weight, sizes)[0]!, weight);
  expectClose(finiteDifference(loss, hidden), dhidden!, 1e-8);
});
