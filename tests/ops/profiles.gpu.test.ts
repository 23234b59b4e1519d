/**
 * Every tuning profile at small and odd shapes against f64, with a second run that must give the same bits: products in
 * every layout and weight format, attention and the head with their gradients. Few shapes, since each kernel is
 * compiled; other shapes of each op are in its own test. Races in these kernels: tests/gpu/op-races.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Recorder, Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { PROFILES } from '../../src/gpu/tuning.ts';
import { matmulNn, matmulNt } from '../../src/ops/matmul.ts';
import type { QuantisedFormat } from '../../src/ops/matrix.ts';
import { attentionCase, headProof, type ProofCase } from '../../src/ops/proof.ts';
import { constant, expectClose, normals, relativeError, run, useSession, type SessionOptions } from './harness.ts';
import { checkNn, checkNt, checkTn, product } from './product-checks.ts';
import { filled, quantised } from './quantised.ts';

const swift = process.env.GROUNDWORK_ADAPTER === 'swiftshader';

/** SwiftShader has no f16 in any case. For `matrix` no driver here has subgroup matrices: see harness.ts. */
const variants = PROFILES.flatMap((profile): (readonly [name: string, options: SessionOptions])[] => [
  [profile, { profile }],
  ...(swift ? [] : [[`${profile}, without f16`, { profile, without: ['shader-f16'] }] as const]),
]);

/**
 * Forward and backward through weights whose values are those of the definition, with all that can be added; and the
 * gradient once more by finite differences of the forward itself, which know nothing of the definition.
 */
async function checkQuantised(session: Session, format: QuantisedFormat): Promise<void> {
  const [M, N, K, R] = [66, 68, 64, 8];
  const w = normals(new Random(7), N * K);
  const { matrix } = await filled(session, [N, K], format, w);
  const { values } = quantised(w, format, 64);
  const random = new Random(8);
  const [x, dy, bias, residual] = [M * K, M * N, N, M * N].map((n) => normals(random, n)) as Four;
  const [z, b, u, a] = [M * R, N * R, M * R, R * K].map((n) => normals(random, n)) as Four;
  const forward = (rec: Recorder, input: ArrayLike<number>): Tensor => {
    const y = rec.empty('y', [M, N]);
    matmulNt(rec, constant(rec, 'x', [M, K], input), matrix, y, {
      bias: constant(rec, 'bias', [N], bias),
      residual: constant(rec, 'residual', [M, N], residual),
      lora: { z: constant(rec, 'z', [M, R], z), b: constant(rec, 'b', [N, R], b), scale: 0.5 },
    });
    return y;
  };
  const both = (times: number) =>
    run(
      session,
      (rec) => {
        const [y, dx] = [forward(rec, x), rec.empty('dx', [M, K])];
        matmulNn(rec, constant(rec, 'dy', [M, N], dy), matrix, dx, {
          scale: 0.5,
          lora: { u: constant(rec, 'u', [M, R], u), a: constant(rec, 'a', [R, K], a) },
        });
        return [y, dx];
      },
      times,
    );
  const [y, dx] = await both(1);
  const again = await both(2);
  const differences = await rowDifferences(session, forward, x, dy, { M, N, K });
  session.release(...matrix.tensors);
  const weights = product(
    M,
    N,
    K,
    (m, k) => x[m * K + k]!,
    (k, n) => values[n * K + k]!,
  );
  const adapter = product(
    M,
    N,
    R,
    (m, k) => z[m * R + k]!,
    (k, n) => b[n * R + k]!,
  );
  expectClose(
    y,
    weights.map((v, i) => v + 0.5 * adapter[i]! + bias[i % N]! + residual[i]!),
    2e-6,
  );
  const gradient = product(
    M,
    K,
    N,
    (m, n) => dy[m * N + n]!,
    (n, k) => values[n * K + k]!,
  );
  const share = product(
    M,
    K,
    R,
    (m, k) => u[m * R + k]!,
    (k, n) => a[k * K + n]!,
  );
  expectClose(
    dx,
    gradient.map((v, i) => 0.5 * v + share[i]!),
    2e-6,
  );
  expectClose(
    dx!.subarray(0, K),
    differences.map((v, k) => 0.5 * v + share[k]!),
    1e-5,
    'finite differences',
  );
  expect(again).toEqual([y, dx]);
}

/** Of Σ y[0]·dy[0] by x[0, k] for every k: every row of x is row 0 with another column changed, up and then down. */
async function rowDifferences(
  session: Session,
  forward: (rec: Recorder, x: Float64Array) => Tensor,
  x: Float64Array,
  dy: Float64Array,
  { M, N, K }: { M: number; N: number; K: number },
): Promise<Float64Array> {
  // The product is linear: differences are exact for any step, and a long one keeps clear of rounding.
  const step = 8;
  const differences = new Float64Array(K);
  // What is added to the product differs by rows and is the same in both runs.
  const shifted = (first: number, sign: 1 | -1): Float64Array =>
    Float64Array.from({ length: M * K }, (_, i) => {
      const [row, k] = [Math.floor(i / K), i % K];
      return x[k]! + (k === first + row ? sign * step : 0);
    });
  for (let first = 0; first < K; first += M) {
    const [above, below] = [
      (await run(session, (rec) => [forward(rec, shifted(first, 1))]))[0]!,
      (await run(session, (rec) => [forward(rec, shifted(first, -1))]))[0]!,
    ];
    for (let row = 0; row < M && first + row < K; row++)
      for (let n = 0; n < N; n++)
        differences[first + row]! += ((above[row * N + n]! - below[row * N + n]!) / (2 * step)) * dy[n]!;
  }
  return differences;
}

type Four = [Float64Array, Float64Array, Float64Array, Float64Array];

describe.each(variants)('profile %s', (_, options) => {
  const session = useSession(options);
  const again = true;

  test('x·wᵀ, with all that can be added to it', async () => {
    const everything = { f16: true, bias: true, residual: true, R: 8, again };
    await checkNt(session(), { M: 19, N: 70, K: 36, ...everything });
    await checkNt(session(), { M: 67, N: 131, K: 20, ...everything });
    await checkNt(session(), { M: 3, N: 19, K: 76, ...everything });
  });

  test('x·w, with all that can be added to it', async () => {
    await checkNn(session(), { M: 37, N: 68, K: 20, accumulate: true, R: 4, again });
    await checkNn(session(), { M: 70, N: 132, K: 44, f16: true, accumulate: true, R: 4, again });
    // A long sum with a small result, which is made in parts.
    await checkNn(session(), { M: 9, N: 68, K: 1036, accumulate: true, again });
  });

  test('xᵀ·w, a long sum in parts', async () => {
    await checkTn(session(), { M: 515, N: 12, K: 8, accumulate: true, again });
    await checkTn(session(), { M: 261, N: 68, K: 76, accumulate: true, again });
  });

  // lavapipe takes seconds for each kernel with barriers: there, one format stands for all of them.
  const formats = swift ? (['int8', 'int4', 'nf4'] as const) : (['int4'] as const);
  test.each(formats)('products with weights in %s, both ways', async (format) => {
    await checkQuantised(session(), format);
  });

  test.each<readonly [string, ProofCase]>([
    ['attention', attentionCase],
    ['the head, a vocabulary shared by many invocations', headProof({ T: 5, H: 16, V: 4101, temperature: 0.9 })],
  ])('%s, forward and backward', async (_name, { run: prove, tolerance }) => {
    const found = await prove(session());
    for (const [got, want] of found) expect(relativeError(got, want)).toBeLessThanOrEqual(tolerance);
    expect((await prove(session())).map(([got]) => got)).toEqual(found.map(([got]) => got));
  });
});

describe.skipIf(swift)('profile matrix, of halves', () => {
  const session = useSession({ profile: 'matrix', matrix: { component: 'f16', M: 8, N: 16, K: 16 } });

  test('x·wᵀ is as exact as in f32', async () => {
    await checkNt(session(), { M: 67, N: 131, K: 36, f16: true, bias: true, residual: true, R: 8, again: true });
  });

  test('so it is with quantised weights', async () => {
    await checkQuantised(session(), 'int4');
  });
});

// On SwiftShader alone: lavapipe takes half a minute to compile one of them.
describe.runIf(swift)('profile shared, the tiles of large products at small sizes', () => {
  const session = useSession({ profile: 'shared' });
  /** So many times the rows leave no unit of a GPU idle. */
  const alike = 1000;
  const again = true;

  test('x·wᵀ, past the edges of a tile and within it', async () => {
    const everything = { f16: true, bias: true, residual: true, R: 8, again, alike };
    await checkNt(session(), { M: 131, N: 197, K: 36, ...everything });
    await checkNt(session(), { M: 9, N: 70, K: 12, ...everything });
  });

  test('x·w', async () => {
    await checkNn(session(), { M: 131, N: 196, K: 36, accumulate: true, R: 4, again, alike });
    await checkNn(session(), { M: 5, N: 68, K: 20, f16: true, R: 4, again, alike });
  });

  test('xᵀ·w', async () => {
    await checkTn(session(), { M: 77, N: 132, K: 140, accumulate: true, again, alike });
  });
});
