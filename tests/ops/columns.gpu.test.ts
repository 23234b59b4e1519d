/** Matrices side by side, tables read between their rows, and features added to tokens. */
import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { concatColumns } from '../../src/ops/concat.ts';
import { addFeatures, embed } from '../../src/ops/gather.ts';
import { interpolateRows } from '../../src/ops/interpolate.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, expectClose, normals, rounded, run, toHalves, useSession } from './harness.ts';

const session = useSession();

const columnsOf = (values: ArrayLike<number>, width: number, first: number, count: number): number[] =>
  Array.from(
    { length: (values.length / width) * count },
    (_, i) => values[Math.floor(i / count) * width + first + (i % count)]!,
  );

test('matrices side by side, and their gradients apart again', async () => {
  const random = new Random(1);
  const [rows, widths] = [37, [8, 4, 20]] as const;
  const parts = widths.map((w) => normals(random, rows * w));
  const dy = normals(random, rows * 32);
  const results = await run(session(), (rec) => {
    const tape = new Tape(rec);
    const tensors = parts.map((values, i) => constant(rec, `part ${i}`, [rows, widths[i]!], values));
    // The second part has no gradient.
    tape.track(tensors[0]!);
    tape.track(tensors[2]!);
    const y = concatColumns(tape, tensors);
    tape.addGrad(y, constant(rec, 'dy', [rows, 32], dy));
    rec.output(y);
    tape.backward();
    expect(tape.grad(tensors[1]!)).toBeNull();
    return [y, tape.grad(tensors[0]!)!, tape.grad(tensors[2]!)!];
  });
  [0, 8, 12].forEach((first, i) =>
    expect(columnsOf(results[0]!, 32, first, widths[i]!)).toEqual([...parts[i]!].map(Math.fround)),
  );
  expect([...results[1]!]).toEqual(columnsOf(dy, 32, 0, 8).map(Math.fround));
  expect([...results[2]!]).toEqual(columnsOf(dy, 32, 12, 20).map(Math.fround));
});

test.each(['f32', 'f16'] as const)('a table in %s is read between its rows', async (dtype) => {
  const random = new Random(2);
  const [N, C, T] = [9, 12, 70];
  const table = normals(random, N * C);
  const corners = Uint32Array.from({ length: 4 * T }, () => random.below(N));
  const shares = normals(random, 4 * T);
  const [y] = await run(session(), (rec) => {
    const t = constant(rec, 'table', [N, C], dtype === 'f16' ? toHalves(table) : table, dtype);
    return [
      interpolateRows(
        new Tape(rec),
        t,
        constant(rec, 'corners', [T, 4], corners, 'u32'),
        constant(rec, 'shares', [T, 4], shares),
      ),
    ];
  });
  const seen = dtype === 'f16' ? rounded(table) : table;
  expectClose(
    y,
    Float64Array.from({ length: T * C }, (_, i) => {
      const [t, c] = [Math.floor(i / C), i % C];
      return [0, 1, 2, 3].reduce((sum, k) => sum + shares[4 * t + k]! * seen[corners[4 * t + k]! * C + c]!, 0);
    }),
  );
});

test('features of several levels: the first is the embedding, the next are added to the tokens they belong to', async () => {
  const random = new Random(3);
  const [T, C, F, V] = [70, 8, 3, 11];
  const [table, features] = [normals(random, V * C), normals(random, F * 3 * C)];
  const tokens = Uint32Array.from({ length: T }, () => random.below(V));
  const index = new Int32Array(T).fill(-1);
  [5, 6, 69].forEach((t, f) => (index[t] = f));
  const [y] = await run(session(), (rec) => {
    const images = {
      features: constant(rec, 'features', [F, 3 * C], features),
      index: constant(rec, 'index', [T], index, 'i32'),
    };
    const x = embed(
      new Tape(rec),
      constant(rec, 'tokens', [T], tokens, 'u32'),
      constant(rec, 'table', [V, C], table),
      images,
    );
    addFeatures(rec, x, images, 2 * C);
    return [x];
  });
  expectClose(
    y,
    Float64Array.from({ length: T * C }, (_, i) => {
      const [t, c] = [Math.floor(i / C), i % C];
      const f = index[t]!;
      return f < 0 ? table[tokens[t]! * C + c]! : features[f * 3 * C + c]! + features[f * 3 * C + 2 * C + c]!;
    }),
  );
});
