/** Folding an adapter into a weight, in f32 and in halves. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { fold } from '../../src/ops/fold.ts';
import { constant, expectClose, normals, rounded, run, toHalves, useSession } from './harness.ts';

const session = useSession();

const random = new Random(31);
const scaling = 0.75;

async function folded(weight: 'f32' | 'f16', result: 'f32' | 'f16', [N, K, R]: readonly [number, number, number]) {
  const [w, a, b] = [normals(random, N * K), normals(random, R * K), normals(random, N * R)];
  const [y] = await run(session(), (rec) => {
    const lora = {
      a: constant(rec, 'a', [R, K], a),
      b: constant(rec, 'b', [N, R], b),
      gradA: constant(rec, 'da', [R, K], a),
      gradB: constant(rec, 'db', [N, R], b),
      scaling,
    };
    const out = rec.empty('y', [N, K], result);
    fold(rec, constant(rec, 'w', [N, K], weight === 'f16' ? toHalves(w) : w, weight), lora, out);
    return [out];
  });
  const seen = weight === 'f16' ? rounded(w) : w;
  const wanted = seen.map((v, i) => {
    let sum = 0;
    for (let r = 0; r < R; r++) sum += b[Math.floor(i / K) * R + r]! * a[r * K + (i % K)]!;
    return v + scaling * sum;
  });
  return { y: y!, wanted };
}

describe('folding an adapter into a weight', () => {
  const shapes = [
    [1, 4, 4],
    [5, 12, 8],
    [33, 20, 4],
    [70, 64, 12],
  ] as const;

  test.each(shapes.flatMap((shape) => (['f32', 'f16'] as const).map((weight) => ({ weight, shape }))))(
    'adds scaling · B·A to a weight in $weight: $shape',
    async ({ weight, shape }) => {
      const { y, wanted } = await folded(weight, 'f32', shape);
      expectClose(y, wanted);
    },
  );

  test.each(['f32', 'f16'] as const)('rounds once where the result is in halves (weight in %s)', async (weight) => {
    const { y, wanted } = await folded(weight, 'f16', [9, 16, 4]);
    // The nearest half, or its neighbour where the f32 sum fell on the other side of the middle.
    y.forEach((v, i) =>
      expect(Math.abs(v - wanted[i]!)).toBeLessThanOrEqual(Math.abs(wanted[i]!) * 2 ** -11 * 1.01 + 2 ** -24),
    );
    // pack2x16float may round towards zero: nothing here says that it rounds to nearest, but it never loses a whole step.
    expect(y.some((v, i) => v !== wanted[i])).toBe(true);
  });

  test('refuses a result of another size', async () => {
    await expect(
      run(session(), (rec) => {
        const zeros = (name: string, rows: number, columns: number) =>
          constant(rec, name, [rows, columns], new Float64Array(rows * columns));
        const [a, b] = [zeros('a', 4, 8), zeros('b', 4, 4)];
        const y = rec.empty('y', [3, 8]);
        fold(rec, zeros('w', 4, 8), { a, b, gradA: a, gradB: b, scaling }, y);
        return [y];
      }),
    ).rejects.toThrow('fold');
  });
});
