/** Gradients over the whole tape: sums, residuals, and tensors that are used twice. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { Recorder } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { gatherRows } from '../../src/ops/gather.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { linear, type Lora } from '../../src/ops/linear.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, dot, expectClose, finiteDifference, normals, run, useSession } from './harness.ts';

const session = useSession();

const [T, C, EPS] = [5, 8, 1e-6];
const random = new Random(12);
const x = normals(random, T * C);
const q = normals(random, T * C);
const dy = normals(random, T * C);
const weights = Array.from({ length: 4 }, () => normals(random, C * C, 0.4));
const scale = normals(random, C);

// The ops in f64, good enough to differentiate: erf by its series.
const erf = (v: number): number => {
  let [term, sum] = [v, v];
  for (let n = 1; n < 80; n++) {
    term *= (-v * v) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};
const gelu64 = (v: ArrayLike<number>) => Float64Array.from(v, (e) => 0.5 * e * (1 + erf(e / Math.SQRT2)));
const linear64 = (v: ArrayLike<number>, w: ArrayLike<number>) =>
  Float64Array.from({ length: T * C }, (_, i) =>
    dot(
      Array.from(v).slice(Math.floor(i / C) * C, (Math.floor(i / C) + 1) * C),
      Array.from(w).slice((i % C) * C, ((i % C) + 1) * C),
    ),
  );
const norm64 = (v: ArrayLike<number>) =>
  Float64Array.from({ length: T * C }, (_, i) => {
    const row = Array.from(v).slice(Math.floor(i / C) * C, (Math.floor(i / C) + 1) * C);
    return (v[i]! * scale[i % C]!) / Math.sqrt(dot(row, row) / C + EPS);
  });
const plus = (...terms: readonly ArrayLike<number>[]) =>
  Float64Array.from(terms[0]!, (_, i) => terms.reduce((sum, t) => sum + t[i]!, 0));

const matrix = (rec: Recorder, label: string, values: ArrayLike<number>) =>
  constant(rec, label, [values.length / C, C], values);
const weight = (rec: Recorder, i: number) => ({ weight: matrix(rec, `w${i}`, weights[i]!) });

describe('the gradient of a tensor', () => {
  test('is the sum over everything it feeds', async () => {
    const [dx] = await run(session(), (rec) => {
      const tape = new Tape(rec);
      const xt = tape.track(matrix(rec, 'x', x));
      const outputs = [
        gelu(tape, xt),
        rmsNorm(tape, xt, constant(rec, 'scale', [C], scale), EPS),
        linear(tape, xt, weight(rec, 0)),
        linear(tape, xt, weight(rec, 1)),
      ];
      // One seed for all of them: it must stay as it is while gradients are added up.
      const seed = matrix(rec, 'dy', dy);
      for (const output of outputs) tape.addGrad(output, seed);
      tape.backward();
      return [tape.grad(xt)!];
    });
    const f = (v: ArrayLike<number>) =>
      dot(plus(gelu64(v), norm64(v), linear64(v, weights[0]!), linear64(v, weights[1]!)), dy);
    expectClose(dx, finiteDifference(f, x));
  });

  test('passes through residuals and around them: y = x + f(x) + g(x)', async () => {
    const [y, dx] = await run(session(), (rec) => {
      const tape = new Tape(rec);
      const xt = tape.track(matrix(rec, 'x', x));
      const half = linear(tape, gelu(tape, xt), weight(rec, 0), { residual: xt });
      const yt = linear(tape, rmsNorm(tape, xt, constant(rec, 'scale', [C], scale), EPS), weight(rec, 1), {
        residual: half,
      });
      tape.addGrad(yt, matrix(rec, 'dy', dy));
      tape.backward();
      return [rec.output(yt), tape.grad(xt)!];
    });
    const f = (v: ArrayLike<number>) => plus(v, linear64(gelu64(v), weights[0]!), linear64(norm64(v), weights[1]!));
    expectClose(y, f(x));
    expectClose(
      dx,
      finiteDifference((v) => dot(f(v), dy), x),
    );
  });

  test('follows a residual stream whose every stop is used twice', async () => {
    const [dx] = await run(session(), (rec) => {
      const tape = new Tape(rec);
      const xt = tape.track(matrix(rec, 'x', x));
      let stream = xt;
      for (const i of [0, 1, 2]) stream = linear(tape, gelu(tape, stream), weight(rec, i), { residual: stream });
      // The last stop also feeds something that is not on the stream.
      const side = linear(tape, stream, weight(rec, 3));
      tape.addGrad(stream, matrix(rec, 'dy', dy));
      tape.addGrad(side, matrix(rec, 'd side', q));
      tape.backward();
      return [tape.grad(xt)!];
    });
    const f = (v: ArrayLike<number>) => {
      const stream = [0, 1, 2].reduce((s, i) => plus(s, linear64(gelu64(s), weights[i]!)), Float64Array.from(v));
      return dot(stream, dy) + dot(linear64(stream, weights[3]!), q);
    };
    expectClose(dx, finiteDifference(f, x));
  });

  test('is its own where two residuals begin with one gradient', async () => {
    // Both outputs get the same seed tensor, and hand it on as it is to the residuals; neither may write into it.
    const [dx, dq] = await run(session(), (rec) => {
      const tape = new Tape(rec);
      const inputs = [matrix(rec, 'x', x), matrix(rec, 'q', q)].map((t) => tape.track(t));
      const outputs = inputs.map((t, i) => linear(tape, gelu(tape, t), weight(rec, i), { residual: t }));
      const seed = matrix(rec, 'dy', dy);
      for (const output of outputs) tape.addGrad(output, seed);
      tape.backward();
      return inputs.map((t) => tape.grad(t)!);
    });
    const f = (w: ArrayLike<number>) => (v: ArrayLike<number>) => dot(plus(v, linear64(gelu64(v), w)), dy);
    expectClose(dx, finiteDifference(f(weights[0]!), x), 1e-5, 'dx');
    expectClose(dq, finiteDifference(f(weights[1]!), q), 1e-5, 'dq');
  });

  test('keeps rows that were not gathered at zero, and adds to what is there', async () => {
    const index = [3, -1, 0, 4];
    const seed = dy.slice(0, index.length * C);
    const [dx] = await run(session(), (rec) => {
      const tape = new Tape(rec);
      const xt = tape.track(matrix(rec, 'x', x));
      const direct = gelu(tape, xt);
      const picked = gatherRows(tape, xt, constant(rec, 'index', [index.length], index, 'i32'));
      tape.addGrad(picked, matrix(rec, 'dy', seed));
      tape.addGrad(direct, matrix(rec, 'd direct', q));
      tape.backward();
      return [tape.grad(xt)!];
    });
    const f = (v: ArrayLike<number>) =>
      dot(gelu64(v), q) +
      index.reduce(
        (sum, row, i) =>
          sum + (row < 0 ? 0 : dot(Array.from(v).slice(row * C, (row + 1) * C), seed.subarray(i * C, (i + 1) * C))),
        0,
      );
    expectClose(dx, finiteDifference(f, x));
  });
});

/** A layer with an adapter, and a residual around it. */
function layers(rec: Recorder, tape: Tape, xt: Tensor, checkpoint: boolean): { y: Tensor; loras: Lora[] } {
  const loras = [0, 1].map((i): Lora => ({
    a: matrix(rec, `a${i}`, weights[2]!.subarray(0, 4 * C)),
    b: constant(rec, `b${i}`, [C, 4], weights[3]!.subarray(4 * i, 4 * i + 4 * C)),
    gradA: matrix(rec, `da${i}`, new Float64Array(4 * C)),
    gradB: constant(rec, `db${i}`, [C, 4], new Float64Array(4 * C)),
    scaling: 0.5,
  }));
  const norm = constant(rec, 'scale', [C], scale);
  let h = xt;
  for (const i of [0, 1]) {
    const w = weight(rec, i);
    const layer = (t: Tape, input: Tensor) =>
      linear(t, gelu(t, rmsNorm(t, input, norm, EPS)), w, { residual: input, lora: loras[i] });
    h = checkpoint ? tape.checkpoint(h, layer, true) : layer(tape, h);
  }
  return { y: h, loras };
}

describe('a checkpoint', () => {
  const gradients = (checkpoint: boolean, tracked: boolean) =>
    run(session(), (rec) => {
      const tape = new Tape(rec);
      const xt = matrix(rec, 'x', x);
      if (tracked) tape.track(xt);
      const { y, loras } = layers(rec, tape, xt, checkpoint);
      // The end of the stream has a gradient from outside, too.
      const end = gelu(tape, y);
      tape.addGrad(y, matrix(rec, 'q', q));
      tape.addGrad(end, matrix(rec, 'dy', dy));
      tape.backward();
      return [rec.output(y), ...loras.flatMap((l) => [l.gradA, l.gradB]), ...(tracked ? [tape.grad(xt)!] : [])];
    });

  test.each([{ tracked: true }, { tracked: false }])(
    'gives the gradients of no checkpoint, to the bit (input tracked: $tracked)',
    async ({ tracked }) => {
      const [kept, again] = [await gradients(false, tracked), await gradients(true, tracked)];
      expect(again).toEqual(kept);
      for (const values of kept) expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(1e-3);
    },
  );

  test('does not write into a gradient that another tensor has, too', async () => {
    const results = await Promise.all(
      [false, true].map((checkpoint) =>
        run(session(), (rec) => {
          const tape = new Tape(rec);
          const inputs = [matrix(rec, 'x', x), matrix(rec, 'q', q)].map((t) => tape.track(t));
          const outputs = inputs.map((t) => layers(rec, tape, t, checkpoint).y);
          const seed = matrix(rec, 'dy', dy);
          for (const output of outputs) tape.addGrad(output, seed);
          tape.backward();
          return inputs.map((t) => tape.grad(t)!);
        }),
      ),
    );
    expect(results[1]).toEqual(results[0]);
  });

  test('keeps less: nothing of a layer lives on but its input', () => {
    const planned = (checkpoint: boolean) => {
      const rec = new Recorder(session(), 'plan');
      const tape = new Tape(rec);
      const wide = rec.input('x', [64, C]);
      let h = tape.track(wide);
      const norm = rec.input('scale', [C]);
      const layer = (t: Tape, input: Tensor) => [1, 2, 3, 4].reduce((v) => gelu(t, rmsNorm(t, v, norm, EPS)), input);
      for (let i = 0; i < 6; i++) h = checkpoint ? tape.checkpoint(h, layer, true) : layer(tape, h);
      tape.addGrad(h, rec.input('dy', [64, C]));
      tape.backward();
      return rec.plannedBytes;
    };
    expect(planned(true)).toBeLessThan(planned(false) / 2);
  });
});

describe('what nothing trainable feeds', () => {
  /** Commands that a recording takes. */
  const commands = (record: (rec: Recorder) => void): number => {
    const rec = new Recorder(session(), 'count');
    record(rec);
    const program = rec.finish();
    const count = program.commands.length;
    program.destroy();
    return count;
  };

  test('gets no gradient and costs no command', () => {
    const forward = commands((rec) => {
      const tape = new Tape(rec, { recording: false });
      linear(tape, gelu(tape, matrix(rec, 'x', x)), weight(rec, 0));
    });
    const both = commands((rec) => {
      const tape = new Tape(rec);
      const xt = matrix(rec, 'x', x);
      const y = linear(tape, gelu(tape, xt), weight(rec, 0));
      expect([xt, y].map((t) => tape.tracks(t))).toEqual([false, false]);
      tape.addGrad(y, matrix(rec, 'dy', dy));
      tape.backward();
      expect(tape.grad(xt)).toBeNull();
    });
    expect(both).toBe(forward);
  });

  test('stops the way back at the first adapter: below it nothing is computed', () => {
    commands((rec) => {
      const tape = new Tape(rec);
      const xt = matrix(rec, 'x', x);
      const below = gelu(tape, xt);
      const { y } = layers(rec, tape, below, false);
      tape.addGrad(y, matrix(rec, 'dy', dy));
      tape.backward();
      expect([tape.grad(xt), tape.grad(below)]).toEqual([null, null]);
    });
  });

  test('a branch whose result nobody uses is not walked back', () => {
    const walk = (withBranch: boolean) =>
      commands((rec) => {
        const tape = new Tape(rec);
        const xt = tape.track(matrix(rec, 'x', x));
        if (withBranch) gelu(tape, xt);
        tape.addGrad(linear(tape, xt, weight(rec, 0)), matrix(rec, 'dy', dy));
        tape.backward();
      });
    expect(walk(true)).toBe(walk(false) + 1);
  });
});
