/** Drawing tokens: temperature, top-k, top-p, seeds, and rows that have ended. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Session } from '../../src/gpu/recorder.ts';
import { Recorder } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { DecodeState, sampleTokens, samplingControl, suppressionMask } from '../../src/ops/sample.ts';
import { expectClose, normals, useSession } from './harness.ts';

const PAD = 0;

interface Draw {
  /** [B, V], the same at every step. */
  readonly logits: Float64Array;
  readonly rows: number;
  readonly steps?: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly suppressed?: readonly number[];
  readonly eos?: readonly number[];
  /** Rows in use; the rest are idle. */
  readonly given?: number;
}

interface Drawn {
  /** [B][steps] */
  readonly tokens: number[][];
  readonly logProbs: number[][];
  readonly entropies: number[][];
  readonly state: Readonly<Record<'tokens' | 'positions' | 'slots' | 'ranges' | 'finished', number[]>>;
}

/** Records one step, replays it `steps` times without looking, and reads everything. */
async function draw(session: Session, d: Draw): Promise<Drawn> {
  const { rows, steps = 1, temperature = 1, topK = 0, topP = 1, seed = 1, given = rows } = d;
  const vocab = d.logits.length / rows;
  const mask = suppressionMask(vocab, d.suppressed ?? []);
  const resident: Tensor[] = [];
  const keep = (label: string, shape: number[], dtype: 'f32' | 'u32', data: ArrayBufferView): Tensor => {
    const tensor = session.resident(label, shape, dtype, data);
    resident.push(tensor);
    return tensor;
  };
  const state = new DecodeState(session, rows, steps);
  const rec = new Recorder(session, 'test');
  const inputs = {
    logits: keep('logits', [rows, vocab], 'f32', Float32Array.from(d.logits)),
    suppressed: keep('suppressed', [mask.length], 'u32', mask),
    eos: keep('eos', [d.eos?.length ?? 1], 'u32', Uint32Array.from(d.eos ?? [vocab])),
    control: keep('control', [4], 'u32', samplingControl({ temperature, topK, topP, seed })),
  };
  sampleTokens(rec, inputs, state, PAD);
  const program = rec.finish();
  await session.kernels.ready();
  state.start({
    positions: Array.from({ length: given }, (_, b) => 100 + b),
    slots: Array.from({ length: rows }, (_, b) => 50 + b * steps),
    prompts: Array.from({ length: given }, (_, b) => [b, 10 + b] as const),
  });
  for (let i = 0; i < steps; i++) program.run();
  const bytes = await program.readBytes(
    state.output,
    state.logProbs,
    state.tokens,
    state.positions,
    state.slots,
    state.ranges,
    state.finished,
    state.entropies,
  );
  program.destroy();
  state.destroy();
  session.release(...resident);
  const u32 = (i: number) => [...new Uint32Array(bytes[i]!)];
  const split = (flat: number[]) => Array.from({ length: rows }, (_, b) => flat.filter((_value, i) => i % rows === b));
  return {
    tokens: split(u32(0)),
    logProbs: split([...new Float32Array(bytes[1]!)]),
    entropies: split([...new Float32Array(bytes[7]!)]),
    state: {
      tokens: u32(2),
      positions: u32(3),
      slots: [...new Int32Array(bytes[4]!)],
      ranges: u32(5),
      finished: u32(6),
    },
  };
}

function logSoftmax(logits: Float64Array, temperature = 1): Float64Array {
  const scaled = logits.map((l) => l / temperature);
  const top = scaled.reduce((a, b) => Math.max(a, b), -Infinity);
  const lse = top + Math.log(scaled.reduce((sum, l) => sum + Math.exp(l - top), 0));
  return scaled.map((l) => l - lse);
}

/** The tokens transformers' warpers would leave: suppression, temperature, top-k, top-p, in that order. */
function survivors(
  logits: Float64Array,
  o: { temperature: number; topK: number; topP: number; suppressed?: readonly number[] },
): Set<number> {
  let left = [...logits.keys()].filter((v) => !o.suppressed?.includes(v)).sort((a, b) => logits[b]! - logits[a]!);
  if (o.topK > 0) left = left.filter((v) => logits[v]! >= logits[left[Math.min(o.topK, left.length) - 1]!]!);
  const p = logSoftmax(
    Float64Array.from(left, (v) => logits[v]!),
    o.temperature,
  ).map(Math.exp);
  const kept = new Set<number>();
  let sum = 0;
  for (const [i, v] of left.entries()) {
    if (sum >= o.topP) break;
    kept.add(v);
    sum += p[i]!;
  }
  return kept;
}

/**
 * Pearson's chi-square of draws against probabilities; outcomes expected fewer than 5 times are counted together. The
 * bound is exceeded once in a thousand seeds (Wilson and Hilferty's approximation of the quantile); ours are fixed.
 */
function expectDistribution(drawn: readonly number[], probabilities: ReadonlyMap<number, number>): void {
  const counts = new Map<number, number>();
  for (const token of drawn) counts.set(token, (counts.get(token) ?? 0) + 1);
  expect([...counts.keys()].filter((token) => !probabilities.has(token))).toEqual([]);
  const rare = { expected: 0, counted: 0 };
  const cells = [rare];
  for (const [token, p] of probabilities) {
    const cell = { expected: p * drawn.length, counted: counts.get(token) ?? 0 };
    if (cell.expected >= 5) cells.push(cell);
    else {
      rare.expected += cell.expected;
      rare.counted += cell.counted;
    }
  }
  const used = cells.filter(({ expected }) => expected > 0);
  const chiSquare = used.reduce((sum, { expected, counted }) => sum + (counted - expected) ** 2 / expected, 0);
  const freedom = used.length - 1;
  const bound = freedom && freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
  expect(chiSquare).toBeLessThanOrEqual(bound);
}

/** n rows of the same logits: as many independent draws in one step. */
const repeat = (logits: Float64Array, n: number): Float64Array => {
  const all = new Float64Array(n * logits.length);
  for (let i = 0; i < n; i++) all.set(logits, i * logits.length);
  return all;
};

function describeSampling(session: () => Session): void {
  test('greedy takes the largest logit, the first of equals, and reports its log-probability', async () => {
    const [rows, vocab] = [3, 70];
    const logits = normals(new Random(1), rows * vocab).map((l) => Math.min(l, 1.5));
    logits.set([9, 9], 40);
    logits[vocab + 69] = 8;
    logits.set([7, 3, 7], 2 * vocab);
    const { tokens, logProbs } = await draw(session(), { logits, rows, temperature: 0 });
    expect(tokens).toEqual([[40], [69], [0]]);
    for (const [b, [token]] of tokens.entries())
      expect(logProbs[b]![0]).toBeCloseTo(logSoftmax(logits.subarray(b * vocab, (b + 1) * vocab))[token!]!, 4);
  });

  test('suppressed tokens are never drawn, whatever their logits', async () => {
    const logits = new Float64Array(40);
    logits.set([50, 60], 31);
    const suppressed = [...Array(38).keys()].filter((v) => v !== 5);
    const greedy = await draw(session(), { logits, rows: 1, temperature: 0, suppressed });
    expect(greedy.tokens).toEqual([[5]]);
    const { tokens, logProbs } = await draw(session(), { logits: repeat(logits, 64), rows: 64, suppressed });
    expect(new Set(tokens.flat())).toEqual(new Set([5, 38, 39]));
    // As TRL's: the whole softmax, the suppressed 60 included.
    expect(logProbs[0]![0]).toBeCloseTo(logSoftmax(logits)[5]!, 3);
  });

  test('draws follow softmax(logits / temperature)', async () => {
    const [vocab, rows, steps, temperature] = [12, 64, 32, 0.7];
    const logits = normals(new Random(2), vocab);
    const { tokens, logProbs, entropies } = await draw(session(), {
      logits: repeat(logits, rows),
      rows,
      steps,
      temperature,
      seed: 11,
    });
    const expected = logSoftmax(logits, temperature);
    const entropy = -expected.reduce((sum, l) => sum + Math.exp(l) * l, 0);
    expectClose(entropies.flat(), new Array<number>(rows * steps).fill(entropy), 1e-5, 'entropy');
    expectDistribution(tokens.flat(), new Map(Array.from(expected, (l, v) => [v, Math.exp(l)])));
    tokens.flat().forEach((token, i) => expect(logProbs.flat()[i]).toBeCloseTo(expected[token]!, 4));
    // Neither rows nor steps repeat one another.
    expect(new Set(tokens.map(String)).size).toBe(rows);
    expect(new Set(tokens[0]!.map((_, s) => String(tokens.map((row) => row[s])))).size).toBe(steps);
  });

  test.each([
    { topK: 3, topP: 1 },
    { topK: 1, topP: 1 },
    { topK: 500, topP: 1 },
    { topK: 0, topP: 0.6 },
    { topK: 0, topP: 0.001 },
    { topK: 6, topP: 0.8 },
  ])('top-k $topK, top-p $topP leave what transformers leaves, in its proportions', async ({ topK, topP }) => {
    const random = new Random(3);
    const [vocab, rows, steps, temperature] = [33, 64, 64, 1.6];
    const logits = normals(random, vocab, 1.2);
    const suppressed = [4, 20];
    const { tokens } = await draw(session(), {
      logits: repeat(logits, rows),
      rows,
      steps,
      temperature,
      topK,
      topP,
      suppressed,
    });
    const allowed = survivors(logits, { temperature, topK, topP, suppressed });
    const kept = [...allowed];
    const p = logSoftmax(
      Float64Array.from(kept, (v) => logits[v]!),
      temperature,
    );
    expectDistribution(tokens.flat(), new Map(kept.map((v, i) => [v, Math.exp(p[i]!)])));
  });

  test('the crossing token of top-p is kept and tokens tied with the k-th stay', async () => {
    const logits = Float64Array.from([Math.log(0.5), Math.log(0.3), Math.log(0.2)], Math.fround);
    const at = async (o: Partial<Draw>) =>
      new Set((await draw(session(), { logits: repeat(logits, 64), rows: 64, steps: 2, ...o })).tokens.flat());
    expect(await at({ topP: 0.45 })).toEqual(new Set([0]));
    expect(await at({ topP: 0.55 })).toEqual(new Set([0, 1]));
    expect(await at({ topP: 0.85 })).toEqual(new Set([0, 1, 2]));
    const tied = Float64Array.from([1, -3, 1, 1]);
    const { tokens } = await draw(session(), { logits: repeat(tied, 64), rows: 64, topK: 2 });
    expect(new Set(tokens.flat())).toEqual(new Set([0, 2, 3]));
  });

  test('the same seed draws the same, another seed differently', async () => {
    const d: Draw = { logits: repeat(normals(new Random(4), 50), 8), rows: 8, steps: 12, topP: 0.9, seed: 77 };
    const [once, again, other] = [
      await draw(session(), d),
      await draw(session(), d),
      await draw(session(), { ...d, seed: 78 }),
    ];
    expect(again).toEqual(once);
    expect(other.tokens).not.toEqual(once.tokens);
  });

  test('a finished row emits padding and stands still; others move on', async () => {
    const [vocab, steps] = [9, 6];
    const logits = new Float64Array(3 * vocab);
    logits[4] = 9; // row 0 never ends
    logits[vocab + 7] = 9; // row 1 draws an end token at once
    const { tokens, logProbs, state } = await draw(session(), {
      logits,
      rows: 3,
      steps,
      temperature: 0,
      eos: [2, 7],
      given: 2,
    });
    expect(tokens).toEqual([Array(steps).fill(4), [7, ...Array(steps - 1).fill(PAD)], Array(steps).fill(PAD)]);
    expect(logProbs[1]!.slice(1)).toEqual(Array(steps - 1).fill(0));
    expect(state.finished).toEqual([0, 1, 1]);
    expect(state.tokens).toEqual([4, PAD, PAD]);
    // The first draw puts its token at the start; each later one moves one further.
    expect(state.positions.slice(0, 2)).toEqual([100 + steps - 1, 101]);
    expect(state.slots.slice(0, 2)).toEqual([50 + steps - 1, 50 + steps]);
    expect(state.ranges.slice(0, 4)).toEqual([0, 10, 50, 50 + steps]);
    expect(state.ranges.slice(4)).toEqual(Array(8).fill(0));
  });

  test('an end token is found wherever sampling meets it', async () => {
    const { tokens, state } = await draw(session(), {
      logits: new Float64Array(16 * 6),
      rows: 16,
      steps: 10,
      eos: [3],
      seed: 5,
    });
    for (const [b, row] of tokens.entries()) {
      const end = row.indexOf(3);
      expect(state.finished[b]).toBe(end < 0 ? 0 : 1);
      if (end >= 0) expect(row.slice(end + 1).every((token) => token === PAD)).toBe(true);
    }
    expect(tokens.some((row) => row.includes(3))).toBe(true);
  });

  test('a vocabulary of 152,000 is walked to its end', async () => {
    const vocab = 151_936;
    const logits = new Float64Array(vocab).fill(-20);
    logits[vocab - 1] = 5;
    const { tokens, logProbs } = await draw(session(), { logits, rows: 1, topK: 50, topP: 0.9 });
    expect(tokens).toEqual([[vocab - 1]]);
    expect(logProbs[0]![0]).toBeCloseTo(logSoftmax(logits)[vocab - 1]!, 4);
  });
}

describe('sampling', () => {
  describeSampling(useSession());
});

describe('sampling without subgroups', () => {
  describeSampling(useSession({ without: ['subgroups'] }));
});

describe('sampling with the tuning of a real GPU', () => {
  const session = useSession({ profile: 'shared' });
  test('a large vocabulary is shared by many threads', async () => {
    const vocab = 5000;
    const logits = normals(new Random(6), vocab, 2);
    const o = { temperature: 0.8, topK: 40, topP: 0.7 };
    const { tokens, logProbs } = await draw(session(), { logits: repeat(logits, 16), rows: 16, steps: 4, ...o });
    const allowed = survivors(logits, o);
    const expected = logSoftmax(logits, o.temperature);
    tokens.flat().forEach((token, i) => {
      expect(allowed.has(token)).toBe(true);
      expect(logProbs.flat()[i]).toBeCloseTo(expected[token]!, 3);
    });
  });
});
