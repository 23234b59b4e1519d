/** Matrix products of every form against f64, with LoRA terms, at odd shapes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';
import { constant, normals, run, useSession } from './harness.ts';
import { checkNn, checkNt, checkTn, type ProductCase } from './product-checks.ts';

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
  .map(([sizes, epilogue]): ProductCase => ({ ...sizes, ...epilogue }));

// SwiftShader compiles in no time; lavapipe takes seconds for a kernel with barriers, so it sees fewer of them.
const swift = process.env.GROUNDWORK_ADAPTER === 'swiftshader';

describe.each(swift ? (['software', 'shared'] as const) : (['software'] as const))('the tunings for %s', (profile) => {
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

  test.each([1, 2, 3, 8])('halves, %i rows: sums that end within what is loaded at once, and beside it', async (M) => {
    for (const K of [4, 8, 16, 32, 36, 64, 96])
      await checkNt(session(), { M, N: 19, K, f16: true, bias: true, residual: true, R: 4 });
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
});

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
