/** Frozen matrices that lie in several blocks of rows: everything that reads them gives what one block gives. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Recorder, Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { fold } from '../../src/ops/fold.ts';
import { embed } from '../../src/ops/gather.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { matmulNn, matmulNt } from '../../src/ops/matmul.ts';
import { allocateMatrix, blocksOf, type Matrix } from '../../src/ops/matrix.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, expectClose, normals, rounded, run, toHalves, useSession } from './harness.ts';

const swift = process.env.GROUNDWORK_ADAPTER === 'swiftshader';

function written(
  session: Session,
  shape: readonly [number, number],
  format: 'f32' | 'f16',
  values: Float64Array,
): Matrix {
  const matrix = allocateMatrix(session, 'w', shape, format);
  for (const [block, at] of blocksOf(matrix, 0, matrix.rows)) {
    const part = values.subarray(at * matrix.columns, at * matrix.columns + block.size);
    session.write(block, format === 'f16' ? toHalves(part) : Float32Array.from(part));
  }
  return matrix;
}

/** What `record` gives from a matrix in blocks and from the same values in one tensor. */
async function both(
  session: Session,
  shape: readonly [number, number],
  format: 'f32' | 'f16',
  record: (rec: Recorder, w: Matrix | Tensor) => readonly Tensor[],
): Promise<Matrix> {
  const drawn = normals(new Random(shape[0] * 31 + shape[1]), shape[0] * shape[1]);
  const values = format === 'f16' ? rounded(drawn) : drawn;
  const matrix = written(session, shape, format, values);
  const parted = await run(session, (rec) => record(rec, matrix));
  const whole = await run(session, (rec) => record(rec, constant(rec, 'w', shape, values, format)));
  parted.forEach((values, i) => expectClose(values, whole[i]!, 2e-6));
  session.release(...matrix.tensors);
  return matrix;
}

describe.each(swift ? (['software', 'shared'] as const) : (['software'] as const))('for %s', (profile) => {
  const session = useSession({ profile, weightPartBytes: 1024 });

  test.each(['f32', 'f16'] as const)('products with a matrix of %s in blocks', async (format) => {
    const random = new Random(3);
    for (const [M, N, K] of [
      [1, 70, 24],
      [5, 33, 36],
      [19, 68, 20],
    ] as const) {
      const [x, bias, residual, z, b] = [M * K, N, M * N, M * 4, N * 4].map((n) => normals(random, n));
      const { parts } = await both(session(), [N, K], format, (rec, w) => {
        const y = rec.empty('y', [M, N]);
        matmulNt(rec, constant(rec, 'x', [M, K], x!), w, y, {
          bias: constant(rec, 'bias', [N], bias!),
          residual: constant(rec, 'residual', [M, N], residual!),
          lora: { z: constant(rec, 'z', [M, 4], z!), b: constant(rec, 'b', [N, 4], b!), scale: 0.5 },
        });
        return [y];
      });
      expect(parts.length).toBeGreaterThan(1);
    }
    for (const [M, N, K] of [
      [2, 24, 72],
      [17, 36, 44],
    ] as const) {
      const [dy, u, a] = [M * K, M * 4, 4 * N].map((n) => normals(random, n));
      await both(session(), [K, N], format, (rec, w) => {
        const y = rec.empty('y', [M, N]);
        const lora = { u: constant(rec, 'u', [M, 4], u!), a: constant(rec, 'a', [4, N], a!) };
        matmulNn(rec, constant(rec, 'x', [M, K], dy!), w, y, { scale: 0.5, lora });
        matmulNn(rec, constant(rec, 'x', [M, K], dy!), w, y, { accumulate: true });
        return [y];
      });
    }
  });

  test('an embedding and a head of an odd vocabulary in blocks', async () => {
    const [V, H, T] = [151, 24, 9];
    const random = new Random(4);
    const hidden = normals(random, T * H);
    const tokens = Array.from({ length: T }, (_, t) => (t * 37 + 3) % V);
    const { parts } = await both(session(), [V, H], 'f16', (rec, w) => {
      const tape = new Tape(rec);
      const rows = embed(new Tape(rec, { recording: false }), constant(rec, 'tokens', [T], tokens, 'u32'), w);
      const x = tape.track(constant(rec, 'hidden', [T, H], hidden));
      const whole = (label: string, values: readonly number[], dtype: 'i32' | 'u32') =>
        constant(rec, label, [values.length], values, dtype);
      const { logps, entropy } = logProbs(tape, x, w, {
        rows: whole('rows', [...tokens.keys()], 'i32'),
        start: whole('start', [...tokens.keys(), T], 'u32'),
        targets: whole('targets', tokens, 'u32'),
      });
      tape.addGrad(logps, constant(rec, 'dlogps', [T], new Float64Array(T).fill(1)));
      tape.backward();
      return [rows, logps, entropy, tape.grad(x)!];
    });
    expect(parts.length).toBeGreaterThan(1);
  });

  test('an adapter folded into a matrix in blocks', async () => {
    const [N, K] = [45, 24];
    const [a, b] = [normals(new Random(5), 4 * K), normals(new Random(6), N * 4)];
    const folded = allocateMatrix(session(), 'folded', [N, K], 'f32');
    const lora = (rec: Recorder) => {
      const [at, bt] = [constant(rec, 'a', [4, K], a), constant(rec, 'b', [N, 4], b)];
      return { a: at, b: bt, gradA: at, gradB: bt, scaling: 2 };
    };
    await both(session(), [N, K], 'f32', (rec, w) => {
      if (!('parts' in w)) {
        const y = rec.empty('y', [N, K]);
        fold(rec, w, lora(rec), y);
        return [y];
      }
      fold(rec, w, lora(rec), folded);
      const y = rec.empty('y', [N, K]);
      for (const [block, at] of blocksOf(folded, 0, N)) rec.copy(block, y, { toByte: at * K * 4, bytes: block.bytes });
      return [y];
    });
    expect(folded.parts.length).toBeGreaterThan(1);
    session().release(...folded.tensors);
  });
});
