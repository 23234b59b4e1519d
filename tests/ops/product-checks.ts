/** Products on the GPU against f64, with everything that can be added to them. */
import { expect } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Recorder, Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';
import { constant, expectClose, normals, rounded, run } from './harness.ts';

const TOLERANCE = 1e-5;

/** Σ_k x(m, k) · w(k, n) in f64. */
export function product(
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

export interface ProductCase {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly f16?: boolean;
  readonly accumulate?: boolean;
  readonly bias?: boolean;
  readonly residual?: boolean;
  /** Rank of the LoRA term, 0 for none. */
  readonly R?: number;
  /** Runs it again, and wants the same bits. */
  readonly again?: boolean;
  /** Kernels as for so many times the rows: the tiles of large products, at small ones. */
  readonly alike?: number;
}

/** What `record` computes against f64. */
async function check(
  session: Session,
  record: (rec: Recorder) => Tensor,
  expected: Float64Array,
  { again = false, alike = 1 }: Pick<ProductCase, 'again' | 'alike'>,
): Promise<void> {
  const once = await run(session, (rec) => [record(rec)], 1, { alike });
  expectClose(once[0], expected, TOLERANCE);
  if (again) expect(await run(session, (rec) => [record(rec)], 2, { alike })).toEqual(once);
}

export async function checkNt(
  session: Session,
  { M, N, K, f16 = false, bias = false, residual = false, R = 0, ...how }: ProductCase,
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
  const record = (rec: Recorder) => {
    const out = rec.empty('y', [M, N]);
    matmulNt(rec, constant(rec, 'x', [M, K], x), constant(rec, 'w', [N, K], w, f16 ? 'f16' : 'f32'), out, {
      ...(bias && { bias: constant(rec, 'bias', [N], biasValues) }),
      ...(residual && { residual: constant(rec, 'residual', [M, N], residualValues) }),
      ...(R > 0 && { lora: { z: constant(rec, 'z', [M, R], z), b: constant(rec, 'b', [N, R], b), scale: 0.75 } }),
    });
    return out;
  };
  await check(session, record, expected, how);
}

export async function checkNn(
  session: Session,
  { M, N, K, f16 = false, accumulate = false, R = 0, ...how }: ProductCase,
): Promise<void> {
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
  const record = (rec: Recorder) => {
    const out = constant(rec, 'y', [M, N], before);
    matmulNn(rec, constant(rec, 'x', [M, K], x), constant(rec, 'w', [K, N], w, f16 ? 'f16' : 'f32'), out, {
      scale: 0.5,
      accumulate,
      ...(R > 0 && { lora: { u: constant(rec, 'u', [M, R], u), a: constant(rec, 'a', [R, N], a) } }),
    });
    return out;
  };
  await check(session, record, expected, how);
}

export async function checkTn(session: Session, { M, N, K, accumulate = false, ...how }: ProductCase): Promise<void> {
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
  const record = (rec: Recorder) => {
    const out = constant(rec, 'y', [K, N], before);
    matmulTn(rec, constant(rec, 'x', [M, K], x), constant(rec, 'w', [M, N], w), out, { scale: 0.5, accumulate });
    return out;
  };
  await check(session, record, expected, how);
}
