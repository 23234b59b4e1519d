/** Quantised weights: packing on the device, products with them, and their error. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { readTensors } from '../../src/gpu/program.ts';
import type { Recorder, Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { embed } from '../../src/ops/gather.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { matmulNn, matmulNt } from '../../src/ops/matmul.ts';
import { groupOf, type Matrix, type QuantisedFormat } from '../../src/ops/matrix.ts';
import { dynamicMap } from '../../src/ops/nf4.ts';
import { relativeRms } from '../../src/ops/quantise.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, expectClose, normals, run, useSession } from './harness.ts';
import { codesOf, dynamicValues, filled, quantised } from './quantised.ts';

const FORMATS = ['int8', 'int4', 'nf4'] as const;
const swift = process.env.GROUNDWORK_ADAPTER === 'swiftshader';

const weights = (seed: number, n: number, scale = 0.05) => normals(new Random(seed), n, scale);

test('the 8-bit values of NF4’s scales are those of the definition', () => {
  expect(dynamicMap()).toHaveLength(256);
  expectClose(dynamicMap(), dynamicValues(), 2e-7);
});

describe('quantising', () => {
  const session = useSession();
  const splitting = useSession({ weightPartBytes: 1024 });

  test.each([
    ['int8', 96],
    ['int8', 128],
    ['int4', 96],
    ['int4', 128],
    ['nf4', 128],
  ] as const)('%s of %i columns: codes and values are those of the definition', async (format, columns) => {
    const rows = 37;
    const w = weights(columns, rows * columns);
    // A row of zeros, one of one sign, values far below and above the others.
    w.fill(0, 0, columns);
    for (let i = columns; i < 2 * columns; i++) w[i] = Math.abs(w[i]!) + 1;
    for (let i = 2 * columns; i < 3 * columns; i++) w[i] = Math.fround(w[i]! * 1e-5);
    w[3 * columns] = 100;
    const expected = quantised(w, format, groupOf(format, columns));
    const { matrix, error } = await filled(session(), [rows, columns], format, w);
    expect(await codesOf(session(), matrix)).toEqual(expected.codes);

    const [rowsBack] = await run(session(), (rec) => {
      const tokens = constant(rec, 'tokens', [rows], [...Array(rows).keys()], 'u32');
      return [embed(new Tape(rec, { recording: false }), tokens, matrix)];
    });
    expectClose(rowsBack, expected.values, 1e-6);

    const squares = w.reduce((sum, v, i) => sum + (v - expected.values[i]!) ** 2, 0);
    const reference = w.reduce((sum, v) => sum + v * v, 0);
    expect(relativeRms(error)).toBeCloseTo(Math.sqrt(squares / reference), 5);
    const largest = w.reduce((most, v, i) => Math.max(most, Math.abs(v - expected.values[i]!)), 0);
    expect(Math.abs(error.largest / largest - 1)).toBeLessThan(1e-4);
    expect(error.count).toBe(rows * columns);
    session().release(...matrix.tensors);
  });

  test.each(FORMATS)('%s: blocks in which rows arrive change nothing, to the bit', async (format) => {
    const shape = [50, 64] as const;
    const w = weights(1, 50 * 64);
    const once = await filled(session(), shape, format, w);
    const inBlocks = await filled(session(), shape, format, w, 12);
    const tensors = [once, inBlocks].map(({ matrix }) => readTensors(session(), ...matrix.tensors));
    const [a, b] = await Promise.all(tensors);
    const bits = (list: readonly Float32Array[]) => list.map((v) => new Uint32Array(v.buffer, v.byteOffset, v.length));
    expect(bits(a!)).toEqual(bits(b!));
    expect(relativeRms(inBlocks.error)).toBeCloseTo(relativeRms(once.error), 6);
    session().release(...once.matrix.tensors, ...inBlocks.matrix.tensors);
  });

  test.each(['int8', 'int4'] as const)('%s: parts of a matrix hold what one part holds', async (format) => {
    const w = weights(2, 70 * 64);
    const { matrix } = await filled(splitting(), [70, 64], format, w, 28);
    expect(matrix.parts.length).toBeGreaterThan(2);
    expect(await codesOf(splitting(), matrix)).toEqual(quantised(w, format, 64).codes);
    splitting().release(...matrix.tensors);
  });
});

describe.each(swift ? (['software', 'shared'] as const) : (['software'] as const))('products for %s', (profile) => {
  const session = useSession({ profile });
  const splitting = useSession({ profile, weightPartBytes: 2048 });

  /** What `record` gives with quantised weights and with the values that their codes stand for; the number of parts. */
  async function both(
    on: Session,
    shape: readonly [number, number],
    format: QuantisedFormat,
    record: (rec: Recorder, w: Matrix | Tensor) => readonly Tensor[],
  ): Promise<number> {
    const w = weights(shape[0] * 31 + shape[1], shape[0] * shape[1], 1);
    const { matrix } = await filled(on, shape, format, w);
    // The values by the kernels' own decoding, which another test compares with the definition.
    const [values] = await run(on, (rec) => {
      const tokens = constant(rec, 'tokens', [shape[0]], [...Array(shape[0]).keys()], 'u32');
      return [embed(new Tape(rec, { recording: false }), tokens, matrix)];
    });
    const got = await run(on, (rec) => record(rec, matrix));
    const wanted = await run(on, (rec) => record(rec, constant(rec, 'w', shape, values!)));
    // The kernels whose lanes load for each other sum in the same order through any weights that are in one part.
    if (profile === 'software' && on.gpu.subgroupSize > 0 && matrix.parts.length === 1) expect(got).toEqual(wanted);
    got.forEach((values, i) => expectClose(values, wanted[i]!, 4e-6));
    expect(await run(on, (rec) => record(rec, matrix))).toEqual(got);
    on.release(...matrix.tensors);
    return matrix.parts.length;
  }

  const nt = (on: Session, format: QuantisedFormat, M: number, N: number, K: number) => {
    const [x, bias, residual, z, b] = [M * K, N, M * N, M * 4, N * 4].map((n) => normals(new Random(n), n));
    return both(on, [N, K], format, (rec, w) => {
      const plain = rec.empty('plain', [M, N]);
      matmulNt(rec, constant(rec, 'x', [M, K], x!), w, plain);
      const y = rec.empty('y', [M, N]);
      matmulNt(rec, constant(rec, 'x', [M, K], x!), w, y, {
        bias: constant(rec, 'bias', [N], bias!),
        residual: constant(rec, 'residual', [M, N], residual!),
        lora: { z: constant(rec, 'z', [M, 4], z!), b: constant(rec, 'b', [N, 4], b!), scale: 0.5 },
      });
      return [plain, y];
    });
  };
  const nn = (on: Session, format: QuantisedFormat, M: number, N: number, K: number) => {
    const [x, u, a] = [M * K, M * 4, 4 * N].map((n) => normals(new Random(n), n));
    return both(on, [K, N], format, (rec, w) => {
      const y = rec.empty('y', [M, N]);
      const xt = constant(rec, 'x', [M, K], x!);
      const lora = { u: constant(rec, 'u', [M, 4], u!), a: constant(rec, 'a', [4, N], a!) };
      matmulNn(rec, xt, w, y, { scale: 0.5, lora });
      matmulNn(rec, xt, w, y, { accumulate: true });
      return [y];
    });
  };

  // Numbers of rows that have a tuning of their own; columns in whole groups of 64, and of 32. lavapipe compiles each for
  // seconds, so it sees fewer.
  test.each(FORMATS)('%s: forward and backward, thin and wide', async (format) => {
    const odd = format === 'nf4' ? 192 : 96;
    for (const [M, N, K] of [
      [1, 36, 64],
      [2, 5, odd],
      [3, 68, 64],
      [7, 33, odd],
      [19, 70, odd],
    ] as const) {
      if (!swift && M > 1 && M < 19) continue;
      expect(await nt(session(), format, M, N, K)).toBe(1);
      expect(await nn(session(), format, M, K, 4 * Math.ceil(N / 4))).toBe(1);
    }
  });

  test.each(swift ? FORMATS : [])('%s: any shape', async (format) => {
    const step = format === 'nf4' ? 64 : 32;
    const shape = fc.record({
      M: fc.integer({ min: 1, max: 40 }),
      N: fc.integer({ min: 1, max: 20 }),
      K: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ M, N, K }) => {
        await nt(session(), format, M, 3 * N, K * step);
        await nn(session(), format, M, K * step, 4 * N);
      }),
      { numRuns: 6, seed: 4 },
    );
  });

  test.each(FORMATS)('%s: matrices in blocks of rows, an embedding and a head of an odd vocabulary', async (format) => {
    expect(await nt(splitting(), format, 5, 150, 64)).toBeGreaterThan(2);
    expect(await nn(splitting(), format, 9, 64, 148)).toBeGreaterThan(2);
    const [V, H, T] = [151, 64, 9];
    const hidden = normals(new Random(4), T * H);
    const tokens = Array.from({ length: T }, (_, t) => (t * 37 + 3) % V);
    await both(splitting(), [V, H], format, (rec, w) => {
      const tape = new Tape(rec);
      const rows = embed(new Tape(rec, { recording: false }), constant(rec, 'tokens', [T], tokens, 'u32'), w);
      const x = tape.track(constant(rec, 'hidden', [T, H], hidden));
      const whole = (label: string, values: readonly number[], dtype: 'i32' | 'u32') =>
        constant(rec, label, [values.length], values, dtype);
      const { logps } = logProbs(tape, x, w, {
        rows: whole('rows', [...tokens.keys()], 'i32'),
        start: whole('start', [...tokens.keys(), T], 'u32'),
        targets: whole('targets', tokens, 'u32'),
      });
      tape.addGrad(logps, constant(rec, 'dlogps', [T], new Float64Array(T).fill(1)));
      tape.backward();
      return [rows, logps, tape.grad(x)!];
    });
  });
});
