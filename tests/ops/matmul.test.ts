import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Session } from '../../src/gpu/recorder.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';
import { constant, expectClose, normals, rounded, run, useSession } from './harness.ts';

const TOLERANCE = 1e-5;

/** Σ_k x(m, k) · w(k, n) in f64. */
function product(
  M: number,
  N: number,
  K: number,
  x: (m: number, k: number) => number,
  w: (k: number, n: number) => number,
) {
  const y = new Float64Array(M * N);
  for (let m = 0; m < M; m++)
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += x(m, k) * w(k, n);
      y[m * N + n] = sum;
    }
  return y;
}

const plus = (a: ArrayLike<number>, b: ArrayLike<number>, scale = 1) =>
  Float64Array.from(a).map((v, i) => v + scale * b[i]!);

interface Case {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly f16?: boolean;
  readonly accumulate?: boolean;
  readonly bias?: boolean;
  readonly residual?: boolean;
  /** Rank of the LoRA term, 0 for none. */
  readonly R?: number;
}

async function checkNt(
  session: Session,
  { M, N, K, f16 = false, bias = false, residual = false, R = 0 }: Case,
): Promise<void> {
  const random = new Random(M * 7919 + N * 104729 + K);
  const x = normals(random, M * K);
  const w = f16 ? rounded(normals(random, N * K)) : normals(random, N * K);
  const [biasValues, residualValues, z, b] = [N, M * N, M * R, N * R].map((n) => normals(random, n)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let expected = product(
    M,
    N,
    K,
    (m, k) => x[m * K + k]!,
    (k, n) => w[n * K + k]!,
  );
  if (bias) expected = expected.map((v, i) => v + biasValues[i % N]!);
  if (residual) expected = plus(expected, residualValues);
  if (R)
    expected = plus(
      expected,
      product(
        M,
        N,
        R,
        (m, k) => z[m * R + k]!,
        (k, n) => b[n * R + k]!,
      ),
      0.75,
    );
  const [y] = await run(session, (rec) => {
    const out = rec.empty('y', [M, N]);
    matmulNt(rec, constant(rec, 'x', [M, K], x), constant(rec, 'w', [N, K], w, f16 ? 'f16' : 'f32'), out, {
      ...(bias && { bias: constant(rec, 'bias', [N], biasValues) }),
      ...(residual && { residual: constant(rec, 'residual', [M, N], residualValues) }),
      ...(R > 0 && { lora: { z: constant(rec, 'z', [M, R], z), b: constant(rec, 'b', [N, R], b), scale: 0.75 } }),
    });
    return [out];
  });
  expectClose(y, expected, TOLERANCE);
}

async function checkNn(session: Session, { M, N, K, f16 = false, accumulate = false, R = 0 }: Case): Promise<void> {
  const random = new Random(M * 7919 + N * 104729 + K + 1);
  const x = normals(random, M * K);
  const w = f16 ? rounded(normals(random, N * K)) : normals(random, N * K);
  const [before, u, a] = [M * N, M * R, R * N].map((n) => normals(random, n)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let expected = product(
    M,
    N,
    K,
    (m, k) => x[m * K + k]!,
    (k, n) => w[k * N + n]!,
  ).map((v) => 0.5 * v);
  if (R)
    expected = plus(
      expected,
      product(
        M,
        N,
        R,
        (m, k) => u[m * R + k]!,
        (k, n) => a[k * N + n]!,
      ),
    );
  if (accumulate) expected = plus(expected, before);
  const [y] = await run(session, (rec) => {
    const out = constant(rec, 'y', [M, N], before);
    matmulNn(rec, constant(rec, 'x', [M, K], x), constant(rec, 'w', [K, N], w, f16 ? 'f16' : 'f32'), out, {
      scale: 0.5,
      accumulate,
      ...(R > 0 && { lora: { u: constant(rec, 'u', [M, R], u), a: constant(rec, 'a', [R, N], a) } }),
    });
    return [out];
  });
  expectClose(y, expected, TOLERANCE);
}

async function checkTn(session: Session, { M, N, K, accumulate = false }: Case): Promise<void> {
  const random = new Random(M * 7919 + N * 104729 + K + 2);
  const [x, w, before] = [M * K, M * N, K * N].map((n) => normals(random, n)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let expected = product(
    K,
    N,
    M,
    (k, m) => x[m * K + k]!,
    (m, n) => w[m * N + n]!,
  ).map((v) => 0.5 * v);
  if (accumulate) expected = plus(expected, before);
  const [y] = await run(session, (rec) => {
    const out = constant(rec, 'y', [K, N], before);
    matmulTn(rec, constant(rec, 'x', [M, K], x), constant(rec, 'w', [M, N], w), out, { scale: 0.5, accumulate });
    return [out];
  });
  expectClose(y, expected, TOLERANCE);
}

// A size of every class that the tile tables tell apart, and the sizes just beside it.
const rows = [1, 2, 3, 4, 5, 7, 8, 9, 17, 33, 65];
const fours = (max: number) => fc.integer({ min: 1, max }).map((n) => 4 * n);
const shape = { M: fc.oneof(fc.constantFrom(...rows), fc.integer({ min: 1, max: 70 })), N: fours(20), K: fours(20) };
/** Everything that changes a kernel's text. Each new combination compiles. */
const epilogues = [
  {},
  { f16: true },
  { f16: true, bias: true, residual: true, accumulate: true, R: 8 },
  { bias: true, R: 4 },
] as const;
const property = fc
  .tuple(fc.record(shape), fc.constantFrom(...epilogues))
  .map(([sizes, epilogue]): Case => ({ ...sizes, ...epilogue }));

// SwiftShader compiles in no time; lavapipe takes seconds for a kernel with barriers, so it sees fewer of them.
const swift = process.env.GROUNDWORK_ADAPTER === 'swiftshader';

describe('the kernels for GPUs, one of each', () => {
  const session = useSession({ profile: 'hardware' });

  test('tiles', async () => {
    await checkNt(session(), { M: 19, N: 70, K: 36, f16: true, bias: true, residual: true });
    await checkNn(session(), { M: 37, N: 68, K: 20, accumulate: true });
  });

  test('a sum over tokens, in parts', async () => {
    await checkTn(session(), { M: 515, N: 12, K: 8, accumulate: true });
  });

  test('few rows', async () => {
    await checkNt(session(), { M: 3, N: 19, K: 76, ...epilogues[2] });
  });
});

describe.each(swift ? (['software', 'hardware'] as const) : (['software'] as const))(
  'the tunings for %s',
  (profile) => {
    const session = useSession({ profile });

    test.each(rows)('agree with f64 at %i rows, thin and wide', async (M) => {
      for (const [N, K] of [
        [4, 4],
        [20, 12],
        [36, 72],
        [132, 4],
        [8, 132],
      ] as const) {
        await checkNt(session(), { M, N, K });
        await checkNn(session(), { M, N, K });
        await checkTn(session(), { M, N, K });
      }
    });

    test('NT takes an N that is not a multiple of 4', async () => {
      for (const N of [1, 2, 3, 5, 7, 9, 33])
        for (const M of [1, 6, 16]) await checkNt(session(), { M, N, K: 8, bias: true, residual: true, R: 4 });
    });

    test.each([4, 8, 16, 64])('NT and NN add a LoRA term of rank %i', async (R) => {
      for (const M of [1, 5, 32]) {
        await checkNt(session(), { M, N: 24, K: 20, R });
        await checkNn(session(), { M, N: 24, K: 20, R });
      }
    });

    test('thin products of LoRA: down to a rank, up from it, and both gradients', async () => {
      for (const R of [4, 8, 64])
        for (const T of [3, 130]) {
          await checkNt(session(), { M: T, N: R, K: 96 });
          await checkNn(session(), { M: T, N: R, K: 96 });
          await checkTn(session(), { M: T, N: 96, K: R, accumulate: true });
          await checkTn(session(), { M: T, N: R, K: 96 });
        }
    });

    test('long sums over tokens, split or not', async () => {
      for (const M of [1023, 1024, 2500]) await checkTn(session(), { M, N: 12, K: 8, accumulate: true });
    });

    test('a result wide enough for the largest tiles', async () => {
      await checkNt(session(), { M: 33, N: 8191, K: 4 });
      await checkNn(session(), { M: 33, N: 8188, K: 4 });
    });

    test('any shape and any epilogue', async () => {
      await fc.assert(
        fc.asyncProperty(property, async (c) => {
          await checkNt(session(), c);
          await checkNn(session(), c);
          await checkTn(session(), c);
        }),
        { numRuns: swift ? 20 : 8, seed: 20250 },
      );
    });

    test('a second run gives the same bits', async () => {
      const random = new Random(5);
      const [M, N, K] = [37, 44, 260];
      const [x, w] = [normals(random, M * K), normals(random, K * N)];
      const record = (rec: Parameters<Parameters<typeof run>[1]>[0]) => {
        const xt = constant(rec, 'x', [M, K], x);
        const wt = constant(rec, 'w', [K, N], w);
        const ys = [rec.empty('nn', [M, N]), rec.empty('nt', [M, N]), rec.empty('tn', [K, N])];
        matmulNn(rec, xt, wt, ys[0]!);
        matmulNt(rec, xt, wt.reshape(N, K), ys[1]!);
        matmulTn(rec, xt, ys[0]!, ys[2]!);
        return ys;
      };
      expect(await run(session(), record, 3)).toEqual(await run(session(), record));
    });
  },
);

test('shapes that do not fit are refused while recording', async () => {
  const { openSession } = await import('./harness.ts');
  const session = await openSession();
  const { Recorder } = await import('../../src/gpu/recorder.ts');
  const rec = new Recorder(session, 'refused');
  const t = (...shape: number[]) => rec.empty('t', shape);
  expect(() => matmulNt(rec, t(2, 8), t(3, 4), t(2, 3))).toThrow(/matmul/);
  expect(() => matmulNt(rec, t(2, 6), t(3, 6), t(2, 3))).toThrow(/multiple of 4/);
  expect(() => matmulNn(rec, t(2, 8), t(8, 6), t(2, 6))).toThrow(/multiple/);
  expect(() => matmulTn(rec, t(2, 8), t(3, 8), t(8, 8))).toThrow(/matmul/);
  session.destroy();
});
