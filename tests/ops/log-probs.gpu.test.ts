/** Log-probabilities of targets, chunk by chunk over the vocabulary, against f64. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { globals } from 'webgpu';
import { DESKTOP, dryGpu } from '../../src/gpu/dry.ts';
import { Recorder, Session } from '../../src/gpu/recorder.ts';
import { Tensor } from '../../src/gpu/tensor.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { allocateMatrix, blocksOf, type Matrix } from '../../src/ops/matrix.ts';
import { Tape } from '../../src/ops/tape.ts';
import {
  constant,
  dot,
  expectClose,
  finiteDifference,
  normals,
  rounded,
  run,
  toHalves,
  useSession,
} from './harness.ts';

Object.assign(globalThis, globals);

const session = useSession();

interface Case {
  readonly V: number;
  readonly H: number;
  /** [T, H] */
  readonly hidden: Float64Array;
  /** [V, H] */
  readonly head: Float64Array;
  /** Hidden row of each scored row, −1 pads; with the targets of each. */
  readonly rows: readonly { readonly row: number; readonly targets: readonly number[] }[];
  readonly temperature: number;
  readonly dlogps: Float64Array;
  readonly dentropy?: Float64Array;
  readonly chunkBytes?: number;
  readonly f16?: boolean;
  /** The head is a view, and this follows it in memory up to a whole number of fours. */
  readonly beyond?: number;
}

function draw(
  seed: number,
  o: { T: number; V: number; H: number; rows: Case['rows']; temperature?: number; chunkBytes?: number },
): Case {
  const random = new Random(seed);
  const { T, V, H, rows, temperature = 1 } = o;
  return {
    ...o,
    hidden: normals(random, T * H),
    head: normals(random, V * H, 0.6),
    temperature,
    dlogps: normals(random, rows.flatMap((r) => r.targets).length),
    rows,
  };
}

/** @param matrix the head as it lies on the device, if not as an input of the program */
async function ours(
  { V, H, hidden, head, rows, temperature, dlogps, dentropy, chunkBytes, f16, beyond }: Case,
  { device = session(), matrix }: { device?: Session; matrix?: Matrix } = {},
) {
  const targets = rows.flatMap((r) => r.targets);
  const start = rows.reduce((all, r) => [...all, all.at(-1)! + r.targets.length], [0]);
  const headOf = (rec: Recorder) => {
    if (beyond === undefined) return constant(rec, 'head', [V, H], f16 ? toHalves(head) : head, f16 ? 'f16' : 'f32');
    const wide = new Float64Array(Math.ceil(V / 4) * 4 * H).fill(beyond);
    wide.set(head);
    return new Tensor('head', 'f32', [V, H], constant(rec, 'wide head', [wide.length / H, H], wide).storage);
  };
  const [logps, entropy, correct, dhidden] = await run(device, (rec) => {
    const tape = new Tape(rec);
    const h = tape.track(constant(rec, 'hidden', [hidden.length / H, H], hidden));
    const scored = logProbs(
      tape,
      h,
      matrix ?? headOf(rec),
      {
        rows: constant(
          rec,
          'rows',
          [rows.length],
          rows.map((r) => r.row),
          'i32',
        ),
        start: constant(rec, 'start', [start.length], start, 'u32'),
        targets: constant(rec, 'targets', [targets.length], targets, 'u32'),
      },
      { temperature, ...(chunkBytes !== undefined && { chunkBytes }) },
    );
    tape.addGrad(scored.logps, constant(rec, 'dlogps', [dlogps.length], dlogps));
    if (dentropy) tape.addGrad(scored.entropy, constant(rec, 'dentropy', [dentropy.length], dentropy));
    tape.backward();
    return [scored.logps, scored.entropy, scored.correct, tape.grad(h)!];
  });
  return { logps: logps!, entropy: entropy!, correct: correct!, dhidden: dhidden! };
}

/** The same in f64, whole. */
function reference({ V, H, hidden, head, rows, temperature, dlogps, dentropy }: Case) {
  const [logps, entropy, correct] = [[] as number[], [] as number[], [] as number[]];
  const dhidden = new Float64Array(hidden.length);
  let entry = 0;
  for (const { row, targets } of rows) {
    const h = row < 0 ? new Float64Array(H) : hidden.subarray(row * H, (row + 1) * H);
    const logits = Float64Array.from({ length: V }, (_, v) => dot(h, head.subarray(v * H, (v + 1) * H)) / temperature);
    const top = logits.reduce((a, b) => Math.max(a, b));
    const lse = top + Math.log(logits.reduce((sum, l) => sum + Math.exp(l - top), 0));
    const p = logits.map((l) => Math.exp(l - lse));
    for (const target of targets) {
      logps.push(logits[target]! - lse);
      entropy.push(-p.reduce((sum, each) => sum + (each > 0 ? each * Math.log(each) : 0), 0));
      correct.push(logits[target] === top ? 1 : 0);
      const [g, e] = [dlogps[entry]! / temperature, (dentropy?.[entry] ?? 0) / temperature];
      const H0 = entropy[entry++]!;
      if (row >= 0)
        for (let v = 0; v < V; v++) {
          const d = g * (Number(v === target) - p[v]!) - e * p[v]! * (logits[v]! - lse + H0);
          for (let c = 0; c < H; c++) dhidden[row * H + c]! += d * head[v * H + c]!;
        }
    }
  }
  return { logps, entropy, correct, dhidden };
}

async function expectReference(c: Case, on: Parameters<typeof ours>[1] = {}): Promise<void> {
  const [got, wanted] = [await ours(c, on), reference(c)];
  expectClose(got.logps, wanted.logps, 1e-5, 'log-probs');
  expectClose(got.entropy, wanted.entropy, 1e-5, 'entropy');
  expect([...got.correct]).toEqual(wanted.correct);
  expectClose(got.dhidden, wanted.dhidden, 1e-5, 'gradient');
}

const one = (row: number, target: number) => ({ row, targets: [target] });

describe('log-probs', () => {
  test('of several targets that share a row are each their own, and their gradients add up', async () => {
    await expectReference(
      draw(1, {
        T: 6,
        V: 40,
        H: 8,
        rows: [{ row: 1, targets: [3, 39, 0, 3] }, one(4, 7), { row: 5, targets: [2, 1] }],
        temperature: 0.8,
      }),
    );
  });

  test.each([undefined, 1])(
    'and so do those of their entropies, which are finite differences (in chunks of %s)',
    async (chunkBytes) => {
      const c = draw(8, {
        T: 5,
        V: 30,
        H: 8,
        rows: [{ row: 1, targets: [3, 29, 0] }, { row: -1, targets: [] }, one(4, 7), one(2, 11)],
        temperature: 0.7,
        ...(chunkBytes !== undefined && { chunkBytes }),
      });
      const dentropy = normals(new Random(9), c.dlogps.length);
      await expectReference({ ...c, dentropy });
      // The reference's own derivative, of Σ dlogps·logps + dentropy·entropy.
      const loss = (hidden: Float64Array) => {
        const { logps, entropy } = reference({ ...c, hidden });
        return logps.reduce((sum, l, i) => sum + c.dlogps[i]! * l + dentropy[i]! * entropy[i]!, 0);
      };
      expectClose(reference({ ...c, dentropy }).dhidden, finiteDifference(loss, c.hidden), 1e-7);
    },
  );

  test('skip padding rows, and rows that nobody scores get a gradient of zero', async () => {
    const c = draw(2, {
      T: 7,
      V: 24,
      H: 12,
      rows: [one(2, 5), { row: -1, targets: [] }, one(0, 23), { row: -1, targets: [] }, { row: -1, targets: [] }],
    });
    await expectReference(c);
    const { dhidden } = await ours(c);
    for (const row of [1, 3, 4, 5, 6])
      expect([...dhidden.subarray(row * 12, (row + 1) * 12)]).toEqual(Array(12).fill(0));
  });

  test.each([1, 2, 5, 39, 42, 43, 131])('of a vocabulary of %i, which comes in no fours', async (V) => {
    await expectReference(draw(V, { T: 3, V, H: 8, rows: [one(0, 0), one(2, V - 1)] }));
  });

  test('look past the end of the head for nothing, whatever lies there', async () => {
    await expectReference({ ...draw(10, { T: 3, V: 13, H: 8, rows: [one(0, 12), one(1, 0), one(2, 5)] }), beyond: 9 });
  });

  test('count a target as correct where it is the likeliest token', async () => {
    const c = draw(9, {
      T: 2,
      V: 17,
      H: 8,
      rows: [
        { row: 0, targets: [...Array(17).keys()] },
        { row: 1, targets: [...Array(17).keys()] },
      ],
    });
    const { correct, logps } = await ours(c);
    expect(correct.filter((v) => v === 1)).toHaveLength(2);
    for (const row of [0, 1]) {
      const own = logps.subarray(row * 17, (row + 1) * 17);
      expect(correct[row * 17 + own.indexOf(Math.max(...own))]).toBe(1);
    }
  });

  test('of a distribution with one certain token: entropy near zero, no NaN', async () => {
    const c = draw(3, { T: 2, V: 20, H: 8, rows: [one(0, 4), one(1, 4)] });
    const sharp: Case = { ...c, head: c.head.map((w, i) => Math.fround(w * (Math.floor(i / 8) === 4 ? 40 : 1))) };
    await expectReference(sharp);
  });

  test('read a head packed in halves, whatever its size', async () => {
    const c = draw(4, { T: 3, V: 23, H: 16, rows: [one(0, 22), one(1, 3), one(2, 0)] });
    const got = await ours({ ...c, f16: true });
    const wanted = reference({ ...c, head: rounded(c.head) });
    expectClose(got.logps, wanted.logps);
    expectClose(got.dhidden, wanted.dhidden);
  });

  test.each([21, 24])('in several chunks are those of one chunk (vocabulary of %i)', async (V) => {
    const rows = Array.from({ length: 11 }, (_, i) =>
      i % 4 === 3 ? { row: -1, targets: [] } : { row: i, targets: [i, V - 1 - i] },
    );
    const whole = draw(5, { T: 11, V, H: 8, rows, temperature: 1.3 });
    const single = await ours(whole);
    await expectReference(whole);
    // Three rows a chunk, the last with two; and one row a chunk when the budget is too small for any.
    for (const chunkBytes of [3 * 24 * 4, 1]) {
      const parts = await ours({ ...whole, chunkBytes });
      expectClose(parts.logps, single.logps, 1e-6, 'log-probs');
      expectClose(parts.entropy, single.entropy, 1e-6, 'entropy');
      expectClose(parts.dhidden, single.dhidden, 1e-6, 'gradient');
    }
  });

  test('add their gradient to what the hidden states have from elsewhere', async () => {
    const c = draw(6, { T: 3, V: 12, H: 8, rows: [one(1, 3)] });
    const extra = normals(new Random(7), 3 * 8);
    const [only, both] = await Promise.all(
      [false, true].map(async (other) => {
        const [dhidden] = await run(session(), (rec) => {
          const tape = new Tape(rec);
          const h = tape.track(constant(rec, 'hidden', [3, 8], c.hidden));
          const targets = {
            rows: constant(rec, 'rows', [1], [1], 'i32'),
            start: constant(rec, 'start', [2], [0, 1], 'u32'),
            targets: constant(rec, 'targets', [1], [3], 'u32'),
          };
          const { logps } = logProbs(tape, h, constant(rec, 'head', [12, 8], c.head), targets);
          tape.addGrad(logps, constant(rec, 'dlogps', [1], c.dlogps));
          tape.addGrad(gelu(tape, h), constant(rec, 'extra', [3, 8], other ? extra : new Float64Array(24)));
          tape.backward();
          return [tape.grad(h)!];
        });
        return dhidden!;
      }),
    );
    expectClose(only, reference(c).dhidden);
    expect(both!.some((v, i) => Math.abs(v - only![i]!) > 1e-2)).toBe(true);
    // Rows that are not scored have only the other gradient.
    const [alone] = await run(session(), (rec) => {
      const tape = new Tape(rec);
      const h = tape.track(constant(rec, 'hidden', [3, 8], c.hidden));
      tape.addGrad(gelu(tape, h), constant(rec, 'extra', [3, 8], extra));
      tape.backward();
      return [tape.grad(h)!];
    });
    expectClose(
      both,
      alone!.map((v, i) => v + only![i]!),
    );
  });
});

/** Of the Qwen families. */
const VOCABULARY = 151_936;

describe('log-probs of a vocabulary of 151,936', () => {
  // Less than a fifth of the head in one binding, and the logits of two rows.
  const small = useSession({ weightPartBytes: 2 ** 20 });
  const rows = [{ row: 0, targets: [0, VOCABULARY - 1] }, one(1, 75_000), one(4, 151_900), one(3, 1), one(2, 98_765)];
  const c = draw(11, { T: 5, V: VOCABULARY, H: 8, rows, temperature: 0.9, chunkBytes: 2 * VOCABULARY * 4 });

  test('agree with f64, forward and backward, in chunks of rows', async () => {
    await expectReference(c);
  });

  test('agree with f64 where the head lies in several bindings', async () => {
    const matrix = allocateMatrix(small(), 'head', [VOCABULARY, 8], 'f32');
    expect(matrix.parts.length).toBeGreaterThan(4);
    for (const [block, at] of blocksOf(matrix, 0, VOCABULARY))
      small().write(block, Float32Array.from(c.head.subarray(at * 8, at * 8 + block.size)));
    await expectReference(c, { device: small(), matrix });
    small().release(...matrix.tensors);
  });

  test('hold the logits of a chunk at most, however many rows are scored', () => {
    const H = 2048;
    /** Bytes allocated beside the head, for U rows of hidden states, forward and backward. */
    const bytes = (U: number): number => {
      const { gpu, live } = dryGpu(DESKTOP);
      const device = new Session(gpu);
      const head = allocateMatrix(device, 'head', [VOCABULARY, H], 'f16');
      const rec = new Recorder(device, 'log-probs');
      const tape = new Tape(rec);
      const hidden = tape.track(rec.input('hidden', [U, H]));
      const { logps } = logProbs(tape, hidden, head, {
        rows: rec.input('rows', [U], 'i32'),
        start: rec.input('start', [U + 1], 'u32'),
        targets: rec.input('targets', [U], 'u32'),
      });
      tape.addGrad(logps, rec.input('dlogps', [U]));
      tape.backward();
      rec.output(tape.grad(hidden)!);
      rec.finish();
      return [...live().values()].reduce((a, b) => a + b, 0) - head.bytes;
    };
    // Hidden states, the rows picked of them, and the gradients of both; a few numbers a row; and 64 MiB of logits.
    for (const U of [512, 4096]) expect(bytes(U)).toBeLessThan(4 * U * H * 4 + 256 * U + 1.1 * 64 * 2 ** 20);
  });
});

describe('the likeliest tokens of a row', () => {
  /** Logits as they are: the head is the identity, its columns filled up. */
  async function top(logits: readonly (readonly number[])[], k: number, temperature = 1, chunkBytes?: number) {
    const [U, V] = [logits.length, logits[0]!.length];
    const width = Math.ceil(V / 4) * 4;
    const hidden = Float64Array.from({ length: U * width }, (_, i) => logits[Math.floor(i / width)]![i % width] ?? 0);
    const identity = Float64Array.from({ length: V * width }, (_, i) => Number(Math.floor(i / width) === i % width));
    const [tokens, logps] = await run(session(), (rec) => {
      const scored = logProbs(
        new Tape(rec, { recording: false }),
        constant(rec, 'hidden', [U, width], hidden),
        constant(rec, 'identity', [V, width], identity),
        {
          rows: null,
          start: constant(rec, 'start', [U + 1], [...logits.keys(), U], 'u32'),
          targets: constant(rec, 'targets', [U], new Array<number>(U).fill(0), 'u32'),
        },
        { temperature, top: k, ...(chunkBytes !== undefined && { chunkBytes }) },
      );
      return [scored.top!.tokens, scored.top!.logps];
    });
    const columns = tokens!.length / U;
    return logits.map((_, u) => ({
      tokens: [...tokens!.subarray(u * columns, (u + 1) * columns)],
      logps: [...logps!.subarray(u * columns, (u + 1) * columns)],
    }));
  }

  const sorted = (row: readonly number[], k: number) =>
    [...row.keys()]
      .sort((a, b) => row[b]! - row[a]! || a - b)
      .slice(0, k)
      .sort((a, b) => a - b);

  test.each([
    [1, 5, 40],
    [7, 3, 131],
    [39, 2, 40],
    [100, 4, 513],
  ])('%i of each of %i rows of %i, ascending, with their log-probs', async (k, U, V) => {
    const random = new Random(k);
    const logits = Array.from({ length: U }, () => [...normals(random, V, 3)]);
    // All rows at once, and one after the other.
    for (const chunkBytes of [undefined, 1]) {
      const found = await top(logits, k, 0.7, chunkBytes);
      logits.forEach((row, u) => {
        const all = Math.log(row.reduce((sum, l) => sum + Math.exp(l / 0.7), 0));
        expect(found[u]!.tokens).toEqual(sorted(row, k));
        expectClose(
          found[u]!.logps,
          sorted(row, k).map((v) => row[v]! / 0.7 - all),
          1e-4,
        );
      });
    }
  });

  test('of tokens that tie at the border the first are taken, whatever their sign', async () => {
    const rows = [
      [-1, -2, -1, -1, -5, -1, -1],
      [0, 0, 0, 0, 0, 0, 0],
      [2, -3, 2, 7, 2, 2, -0],
    ];
    const found = await top(rows, 3);
    expect(found.map(({ tokens }) => tokens)).toEqual([
      [0, 2, 3],
      [0, 1, 2],
      [0, 2, 3],
    ]);
  });

  test('more than there are tokens are all of them', async () => {
    const [found] = await top([[3, 1, 2, 0.5, -4]], 9);
    expect(found!.tokens).toEqual([0, 1, 2, 3, 4]);
    expect(found!.logps.reduce((sum, logp) => sum + Math.exp(logp), 0)).toBeCloseTo(1, 5);
  });
});
