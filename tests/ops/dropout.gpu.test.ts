/** LoRA dropout: its share, its seed, and its mask in the gradients. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { dropout } from '../../src/ops/dropout.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { linear, type Lora } from '../../src/ops/linear.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, dot, expectClose, finiteDifference, normals, run, useSession } from './harness.ts';

const session = useSession();

/** What is left of ones: 0 where dropped, 1 / (1 − p) where kept. */
async function mask(n: number, p: number, seed: number, id = 0): Promise<Float64Array> {
  const [y] = await run(session(), (rec) => [
    dropout(new Tape(rec), constant(rec, 'ones', [n], new Float64Array(n).fill(1)), {
      p,
      seed: constant(rec, 'seed', [1], [seed], 'u32'),
      id,
    }),
  ]);
  return y!;
}

describe('dropout', () => {
  test.each([0.05, 0.5, 0.9])('drops a share of %f and scales the rest up', async (p) => {
    const n = 20_000;
    const y = await mask(n, p, 3);
    const kept = y.filter((v) => v !== 0);
    expectClose(
      kept,
      kept.map(() => 1 / (1 - p)),
      1e-6,
    );
    // Five standard deviations of a binomial count; the seed is fixed.
    expect(Math.abs(kept.length - n * (1 - p))).toBeLessThan(5 * Math.sqrt(n * p * (1 - p)));
    // Neighbours are dropped independently of each other.
    const pairs = y.filter((v, i) => v !== 0 && (y[i + 1] ?? 0) !== 0).length;
    expect(Math.abs(pairs / n - (1 - p) ** 2)).toBeLessThan(0.02);
  });

  test('is nothing at p = 0', async () => {
    expect([...(await mask(300, 0, 5))]).toEqual(Array(300).fill(1));
  });

  test('drops the same for the same seed and place, and other elements for others', async () => {
    const [one, again, seed, place] = [
      await mask(400, 0.3, 7, 2),
      await mask(400, 0.3, 7, 2),
      await mask(400, 0.3, 8, 2),
      await mask(400, 0.3, 7, 3),
    ];
    expect(again).toEqual(one);
    for (const other of [seed, place]) {
      const agree = other.filter((v, i) => v === one[i]).length / 400;
      // Independent masks agree on 0.58 of the elements.
      expect(agree).toBeGreaterThan(0.45);
      expect(agree).toBeLessThan(0.7);
    }
  });

  test('on an adapter’s input leaves the frozen path whole, and its gradients see the same mask', async () => {
    const random = new Random(41);
    const [T, I, O, R, p, scaling] = [6, 8, 12, 4, 0.4, 0.5];
    const [x, w, a, b, dy] = [
      normals(random, T * I),
      normals(random, O * I),
      normals(random, R * I),
      normals(random, O * R),
      normals(random, T * O),
    ];
    const [y, dx, da, db] = await run(session(), (rec) => {
      const tape = new Tape(rec);
      const xt = tape.track(constant(rec, 'x', [T, I], x));
      const lora: Lora = {
        a: constant(rec, 'a', [R, I], a),
        b: constant(rec, 'b', [O, R], b),
        gradA: constant(rec, 'da', [R, I], new Float64Array(R * I)),
        gradB: constant(rec, 'db', [O, R], new Float64Array(O * R)),
        scaling,
        dropout: { p, seed: constant(rec, 'seed', [1], [99], 'u32'), id: 1 },
      };
      // x feeds something else as well: both paths add to its gradient.
      const side = gelu(tape, xt);
      const yt = linear(tape, xt, { weight: constant(rec, 'w', [O, I], w) }, { lora });
      tape.addGrad(side, constant(rec, 'zero', [T, I], new Float64Array(T * I)));
      tape.addGrad(yt, constant(rec, 'dy', [T, O], dy));
      tape.backward();
      return [rec.output(yt), tape.grad(xt)!, lora.gradA, lora.gradB];
    });
    const m = await mask(T * I, p, 99, 1);
    expect(m.some((v) => v === 0)).toBe(true);
    const f = (xs: ArrayLike<number>, as: ArrayLike<number>, bs: ArrayLike<number>) => {
      const out = new Float64Array(T * O);
      for (let t = 0; t < T; t++)
        for (let o = 0; o < O; o++) {
          let sum = 0;
          for (let i = 0; i < I; i++) sum += xs[t * I + i]! * w[o * I + i]!;
          for (let r = 0; r < R; r++) {
            let z = 0;
            for (let i = 0; i < I; i++) z += xs[t * I + i]! * m[t * I + i]! * as[r * I + i]!;
            sum += scaling * z * bs[o * R + r]!;
          }
          out[t * O + o] = sum;
        }
      return out;
    };
    expectClose(y, f(x, a, b));
    expectClose(
      dx,
      finiteDifference((v) => dot(f(v, a, b), dy), x),
      1e-5,
      'dx',
    );
    expectClose(
      da,
      finiteDifference((v) => dot(f(x, v, b), dy), a),
      1e-5,
      'dA',
    );
    expectClose(
      db,
      finiteDifference((v) => dot(f(x, a, v), dy), b),
      1e-5,
      'dB',
    );
  });
});
