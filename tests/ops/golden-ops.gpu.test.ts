/** Norms, activations, rotary positions and the loss against PyTorch (tests/golden/ops). */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Recorder } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { PROFILES, type Profile } from '../../src/gpu/tuning.ts';
import { mropeAxes, mropeTable } from '../../src/models/qwen/positions.ts';
import { inverseFrequencies } from '../../src/models/rotary-table.ts';
import { gelu, type GeluForm } from '../../src/ops/gelu.ts';
import { layerNorm } from '../../src/ops/layer-norm.ts';
import { linear, type Lora } from '../../src/ops/linear.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { nllLoss } from '../../src/ops/policy-loss.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { rotary } from '../../src/ops/rotary.ts';
import { swiglu } from '../../src/ops/swiglu.ts';
import { Tape } from '../../src/ops/tape.ts';
import { cropped, goldenOp, padded, upTo4, type GoldenOpCase } from './golden-tensors.ts';
import { constant, dot, expectClose, finiteDifference, normals, run, useSession } from './harness.ts';

const session = useSession();
const swift = process.env.GROUNDWORK_ADAPTER === 'swiftshader';

/** Records an op on tracked inputs and hands its output `dy`; gives the inputs' gradients. */
function backward(
  rec: Recorder,
  inputs: readonly Tensor[],
  op: (tape: Tape) => Tensor,
  dy: ArrayLike<number>,
): { y: Tensor; grads: Tensor[] } {
  const tape = new Tape(rec);
  for (const input of inputs) tape.track(input);
  const y = op(tape);
  tape.addGrad(y, constant(rec, 'dy', y.shape, dy));
  rec.output(y);
  tape.backward();
  return { y, grads: inputs.map((input) => tape.grad(input)!) };
}

describe('RMS norm', async () => {
  const cases = await goldenOp<{ eps: number }>('rms-norm');
  // Columns come in fours here; padding would change the mean. The odd case is covered below by a reference of our own.
  const whole = cases.filter((c) => c.tensors['x']!.shape[1]! % 4 === 0);
  test('three golden cases fit', () => expect(whole).toHaveLength(3));

  test.each(whole)('is PyTorch’s, forward and backward: $name', async ({ params, tensors: t }) => {
    const [y, dx] = await run(session(), (rec) => {
      const x = constant(rec, 'x', t['x']!.shape, t['x']!.values);
      const w = constant(rec, 'w', t['w']!.shape, t['w']!.values);
      const { y, grads } = backward(rec, [x], (tape) => rmsNorm(tape, x, w, params.eps), t['dy']!.values);
      return [y, ...grads];
    });
    expectClose(y, t['y']!.values);
    expectClose(dx, t['dx']!.values);
  });

  test('holds where neither rows nor columns are round, by finite differences in f64', async () => {
    const random = new Random(5);
    const [rows, columns, eps] = [7, 44, 1e-5];
    const [x, w, dy] = [normals(random, rows * columns), normals(random, columns), normals(random, rows * columns)];
    const norm = (v: ArrayLike<number>): Float64Array => {
      const out = new Float64Array(v.length);
      for (let r = 0; r < rows; r++) {
        let sum = 0;
        for (let c = 0; c < columns; c++) sum += v[r * columns + c]! ** 2;
        for (let c = 0; c < columns; c++)
          out[r * columns + c] = (v[r * columns + c]! * w[c]!) / Math.sqrt(sum / columns + eps);
      }
      return out;
    };
    const [y, dx] = await run(session(), (rec) => {
      const xt = constant(rec, 'x', [rows, columns], x);
      const { y, grads } = backward(rec, [xt], (tape) => rmsNorm(tape, xt, constant(rec, 'w', [columns], w), eps), dy);
      return [y, ...grads];
    });
    expectClose(y, norm(x));
    expectClose(
      dx,
      finiteDifference((v) => dot(norm(v), dy), x),
    );
  });
});

describe('the gated product', async () => {
  test.each(await goldenOp<object>('silu-mul'))('is PyTorch’s, forward and backward: $name', async ({ tensors: t }) => {
    const n = t['gate']!.values.length;
    const flat = (name: string) => padded({ shape: [n], values: t[name]!.values }, 1, upTo4(n));
    const results = await run(session(), (rec) => {
      const [gate, up] = [constant(rec, 'gate', [upTo4(n)], flat('gate')), constant(rec, 'up', [upTo4(n)], flat('up'))];
      const { y, grads } = backward(rec, [gate, up], (tape) => swiglu(tape, gate, up), flat('dy'));
      return [y, ...grads];
    });
    (['y', 'dgate', 'dup'] as const).forEach((name, i) =>
      expectClose(results[i]!.subarray(0, n), t[name]!.values, 1e-5, name),
    );
  });
});

describe('GELU', async () => {
  const cases = await goldenOp<{ form: GeluForm }>('gelu');
  test('all three forms are here', () => {
    expect(new Set(cases.map((c) => c.params.form))).toEqual(new Set(['erf', 'tanh', 'quick']));
  });
  test.each(cases)('is PyTorch’s, forward and backward: $name', async ({ tensors: t, params }) => {
    const [y, dx] = await run(session(), (rec) => {
      const x = constant(rec, 'x', t['x']!.shape, t['x']!.values);
      const { y, grads } = backward(rec, [x], (tape) => gelu(tape, x, params.form), t['dy']!.values);
      return [y, ...grads];
    });
    expectClose(y, t['y']!.values);
    expectClose(dx, t['dx']!.values);
  });
});

describe('layer norm', async () => {
  // Columns come in fours here; padding would change the mean.
  const whole = (await goldenOp<{ eps: number }>('layer-norm')).filter((c) => c.tensors['x']!.shape[1]! % 4 === 0);
  test.each(whole)('is PyTorch’s, forward and backward: $name', async ({ tensors: t, params }) => {
    const [y, dx] = await run(session(), (rec) => {
      const [x, w, b] = ['x', 'w', 'b'].map((name) => constant(rec, name, t[name]!.shape, t[name]!.values));
      const { y, grads } = backward(rec, [x!], (tape) => layerNorm(tape, x!, w!, b!, params.eps), t['dy']!.values);
      return [y, ...grads];
    });
    expectClose(y, t['y']!.values);
    expectClose(dx, t['dx']!.values);
  });

  test.each([
    { rows: 7, columns: 44, mean: 0 },
    { rows: 3, columns: 132, mean: 50 },
  ])('holds for $rows × $columns about $mean, by finite differences in f64', async ({ rows, columns, mean }) => {
    const random = new Random(6);
    const x = normals(random, rows * columns).map((v) => Math.fround(v + mean));
    const [w, b, dy] = [normals(random, columns), normals(random, columns), normals(random, rows * columns)];
    const eps = 1e-6;
    const norm = (v: ArrayLike<number>): Float64Array => {
      const out = new Float64Array(v.length);
      for (let r = 0; r < rows; r++) {
        const row = Array.from({ length: columns }, (_, c) => v[r * columns + c]!);
        const average = row.reduce((p, q) => p + q, 0) / columns;
        const variance = row.reduce((p, q) => p + (q - average) ** 2, 0) / columns;
        row.forEach((q, c) => (out[r * columns + c] = ((q - average) / Math.sqrt(variance + eps)) * w[c]! + b[c]!));
      }
      return out;
    };
    const [y, dx] = await run(session(), (rec) => {
      const xt = constant(rec, 'x', [rows, columns], x);
      const [wt, bt] = [constant(rec, 'w', [columns], w), constant(rec, 'b', [columns], b)];
      const { y, grads } = backward(rec, [xt], (tape) => layerNorm(tape, xt, wt, bt, eps), dy);
      return [y, ...grads];
    });
    expectClose(y, norm(x));
    expectClose(
      dx,
      finiteDifference((v) => dot(norm(v), dy), x),
    );
  });
});

interface Rope {
  readonly theta: number;
  readonly section: readonly number[];
}

describe('rotary embedding', async () => {
  const mrope = await goldenOp<Rope>('mrope');
  const vision = await goldenOp<Rope>('vision-rotary');

  /** cos and sin side by side, of the first half of the columns; the second half repeats them. */
  function tableOf({ tensors: t }: GoldenOpCase<Rope>): Float64Array {
    const [rows, D] = t['cos']!.shape as [number, number];
    return Float64Array.from(
      { length: rows * D },
      (_, i) => t[i % 2 ? 'sin' : 'cos']!.values[Math.floor(i / D) * D + Math.floor((i % D) / 2)]!,
    );
  }

  test.each([...mrope.map((c) => ({ ...c, kind: 'M-RoPE' })), ...vision.map((c) => ({ ...c, kind: 'vision' }))])(
    'is PyTorch’s, forward and backward: $kind $name',
    async (c) => {
      const { tensors: t } = c;
      const [T, heads, D] = t['x']!.shape as [number, number, number];
      // The heads stand between columns of something else, and tokens look their angles up in reverse.
      const [before, after] = [4, 3];
      const width = before + heads * D + after;
      const x = Float64Array.from({ length: T * width }, (_, i) => {
        const column = (i % width) - before;
        return column < 0 || column >= heads * D ? 77 : t['x']!.values[Math.floor(i / width) * heads * D + column]!;
      });
      const table = tableOf(c);
      const reversed = Array.from({ length: T }, (_, r) => [...table.subarray((T - 1 - r) * D, (T - r) * D)]).flat();
      const [y, dx] = await run(session(), (rec) => {
        const xt = constant(rec, 'x', [T, width], x);
        const angles = {
          table: constant(rec, 'table', [T, D / 2, 2], reversed),
          positions: constant(
            rec,
            'positions',
            [T],
            Array.from({ length: T }, (_, r) => T - 1 - r),
            'u32',
          ),
        };
        const { y, grads } = backward(
          rec,
          [xt],
          (tape) => rotary(tape, xt, angles, { heads, headDim: D, column: before }),
          t['dy']!.values,
        );
        return [y, ...grads];
      });
      expectClose(y, t['y']!.values);
      const ours = Float64Array.from(
        { length: T * heads * D },
        (_, i) => dx![Math.floor(i / (heads * D)) * width + before + (i % (heads * D))]!,
      );
      expectClose(ours, t['dx']!.values);
      // What was not rotated gets no gradient.
      expect(dx!.filter((_, i) => i % width < before || i % width >= before + heads * D).every((v) => v === 0)).toBe(
        true,
      );
    },
  );

  test.each(mrope)('our M-RoPE table is PyTorch’s: $name', (c) => {
    const { tensors: t, params, name } = c;
    const ours = mropeTable(
      Int32Array.from(t['positions']!.values),
      {
        frequencies: inverseFrequencies(
          params.section.reduce((a, b) => a + b, 0),
          params.theta,
          2 * params.section.reduce((a, b) => a + b, 0),
        ),
        scaling: 1,
      },
      mropeAxes(params.section, 'sections'),
    );
    // Far out the fixture's angles are exact, where ours are torch's f32 products: off by half a unit in the last place of 30,000.
    expectClose(ours, tableOf(c), name === 'far' ? 2e-3 : 1e-5);
  });

  test('rows can be written into a cache, wherever each has its place', async () => {
    const c = mrope.find(({ name }) => name === 'head-16')!;
    const { tensors: t } = c;
    const [T, heads, D] = t['x']!.shape as [number, number, number];
    const places = [8, 0, 5, 1, 9, 3, 2];
    const [cache] = await run(session(), (rec) => {
      const tensor = constant(rec, 'cache', [10, heads * D], new Float64Array(10 * heads * D).fill(-1));
      const angles = {
        table: constant(rec, 'table', [T, D / 2, 2], tableOf(c)),
        positions: constant(rec, 'positions', [T], [...Array(T).keys()], 'u32'),
      };
      const rows = constant(rec, 'places', [T], places, 'i32');
      return [
        rotary(new Tape(rec), constant(rec, 'x', [T, heads * D], t['x']!.values), angles, {
          heads,
          headDim: D,
          into: { tensor, rows },
        }),
      ];
    });
    for (let row = 0; row < 10; row++) {
      const from = places.indexOf(row);
      const held = cache!.subarray(row * heads * D, (row + 1) * heads * D);
      if (from < 0) expect(held.every((v) => v === -1)).toBe(true);
      else expectClose(held, t['y']!.values.subarray(from * heads * D, (from + 1) * heads * D));
    }
  });
});

/** Cases that a profile is walked through. lavapipe takes seconds for each kernel, so most see one. */
const casesFor = <P>(profile: Profile, cases: readonly GoldenOpCase<P>[], one: string): GoldenOpCase<P>[] =>
  cases.filter(({ name }) => swift || profile === 'software' || name === one);

describe.each(PROFILES)('the output head, tuned as %s,', async (profile) => {
  const session = useSession({ profile });
  // Vocabularies of 5, 53, 40, 300 and 17: most are not multiples of 4.
  test.each(casesFor(profile, await goldenOp<{ temperature: number }>('linear-cross-entropy'), 'temperature'))(
    'gives PyTorch’s log-probs, entropies, loss and gradient: $name',
    async ({ params, tensors: t }) => {
      const [T, C] = t['hidden']!.shape as [number, number];
      const V = t['weight']!.shape[0]!;
      const width = upTo4(C);
      const [logp, entropy, terms, dhidden] = await run(session(), (rec) => {
        const tape = new Tape(rec);
        const hidden = tape.track(constant(rec, 'hidden', [T, width], padded(t['hidden']!, T, width)));
        const count = [...Array(T + 1).keys()];
        const scored = logProbs(
          tape,
          hidden,
          constant(rec, 'head', [V, width], padded(t['weight']!, V, width)),
          {
            rows: constant(rec, 'rows', [T], count.slice(0, T), 'i32'),
            start: constant(rec, 'start', [T + 1], count, 'u32'),
            targets: constant(rec, 'targets', [T], t['targets']!.values, 'u32'),
          },
          { temperature: params.temperature! },
        );
        const terms = nllLoss(tape, scored.logps, constant(rec, 'weights', [T], t['tokenWeights']!.values));
        tape.backward();
        return [scored.logps, scored.entropy, terms, tape.grad(hidden)!];
      });
      expectClose(logp, t['logp']!.values);
      expectClose(entropy, t['entropy']!.values);
      const loss = terms!.filter((_, i) => i % 4 === 0).reduce((a, b) => a + b, 0);
      expectClose([loss], t['loss']!.values);
      expectClose(cropped(dhidden!, width, T, C), t['dhidden']!.values);
    },
  );
});

describe.each(PROFILES)('a linear with an adapter, tuned as %s,', async (profile) => {
  const session = useSession({ profile });
  test.each(casesFor(profile, await goldenOp<{ scale: number }>('lora-linear'), 'odd'))(
    'is PEFT’s, forward and backward: $name',
    async ({ params, tensors: t }) => {
      const [T, inn] = t['x']!.shape as [number, number];
      const [out, r] = t['b']!.shape as [number, number];
      const [I, O, R] = [upTo4(inn), upTo4(out), upTo4(r)];
      const [y, dx, da, db] = await run(session(), (rec) => {
        const fill = (name: string, rows: number, columns: number) =>
          constant(rec, name, [rows, columns], padded(t[name]!, rows, columns));
        const zeros = (name: string, rows: number, columns: number) =>
          constant(rec, name, [rows, columns], new Float64Array(rows * columns));
        const lora: Lora = {
          a: fill('a', R, I),
          b: fill('b', O, R),
          gradA: zeros('da', R, I),
          gradB: zeros('db', O, R),
          scaling: params.scale,
        };
        const x = fill('x', T, I);
        const bias = t['bias'] && constant(rec, 'bias', [O], padded(t['bias'], 1, O));
        const weights = { weight: fill('weight', O, I), ...(bias && { bias }) };
        const { y, grads } = backward(rec, [x], (tape) => linear(tape, x, weights, { lora }), padded(t['dy']!, T, O));
        return [y, ...grads, lora.gradA, lora.gradB];
      });
      expectClose(cropped(y!, O, T, out), t['y']!.values, 1e-5, 'y');
      expectClose(cropped(dx!, I, T, inn), t['dx']!.values, 1e-5, 'dx');
      expectClose(cropped(da!, I, r, inn), t['da']!.values, 1e-5, 'da');
      expectClose(cropped(db!, R, out, r), t['db']!.values, 1e-5, 'db');
      // Padding stays zero through training: nothing flows into ranks that are not there.
      expect(da!.subarray(r * I).every((v) => v === 0)).toBe(true);
      expect(db!.every((v, i) => i % R < r || v === 0)).toBe(true);
    },
  );
});

describe('a linear with an adapter', () => {
  test('adds gradients of A and B to those of earlier micro-batches', async () => {
    const random = new Random(8);
    const [x, w, a, b, dy, had] = [
      normals(random, 3 * 8),
      normals(random, 12 * 8),
      normals(random, 4 * 8),
      normals(random, 12 * 4),
      normals(random, 3 * 12),
      normals(random, 48),
    ];
    const gradB = async (start: ArrayLike<number>) => {
      const [, grad] = await run(session(), (rec) => {
        const lora: Lora = {
          a: constant(rec, 'a', [4, 8], a),
          b: constant(rec, 'b', [12, 4], b),
          gradA: constant(rec, 'da', [4, 8], new Float64Array(32)),
          gradB: constant(rec, 'db', [12, 4], start),
          scaling: 0.5,
        };
        const xt = constant(rec, 'x', [3, 8], x);
        return [
          backward(rec, [xt], (tape) => linear(tape, xt, { weight: constant(rec, 'w', [12, 8], w) }, { lora }), dy).y,
          lora.gradB,
        ];
      });
      return grad!;
    };
    const fresh = await gradB(new Float64Array(48));
    expect(Math.max(...fresh.map(Math.abs))).toBeGreaterThan(0.1);
    expectClose(
      await gradB(had),
      fresh.map((v, i) => v + had[i]!),
    );
  });
});
