/**
 * What attention reads and what it allocates, counted: tiles of keys that no query of a tile sees are not loaded (nor
 * tiles of queries that see no key of a tile, backwards), and memory grows with the length, not with its square.
 */
import { describe, expect, test } from 'vitest';
import { globals } from 'webgpu';
import { DESKTOP, dryGpu, type GpuTraits } from '../../src/gpu/dry.ts';
import { Recorder, Session } from '../../src/gpu/recorder.ts';
import { attention } from '../../src/ops/attention.ts';
import { Tape } from '../../src/ops/tape.ts';
import { causal, keyRangesOf, packed, sharedPrefix, windows, type Range } from '../ops/attention-cases.ts';
import { checkProgram } from './race-check.ts';

Object.assign(globalThis, globals);

const [HEADS, KV_HEADS, HEAD_DIM] = [2, 1, 32];

const SOFTWARE: GpuTraits = { ...DESKTOP, software: true, profile: 'software', subgroupSize: 8 };
const WIDE: GpuTraits = { ...DESKTOP, profile: 'registers', subgroupSize: 8 };
const STAGED: GpuTraits = { ...DESKTOP, profile: 'shared', subgroupSize: 8 };

/** Attention over T tokens, forward and backward, recorded where nothing can run. */
function recorded(traits: GpuTraits, T: number) {
  const { gpu, live } = dryGpu(traits);
  const rec = new Recorder(new Session(gpu), 'attention');
  const tape = new Tape(rec);
  const inputs = {
    q: tape.track(rec.input('q', [T, HEADS * HEAD_DIM])),
    k: tape.track(rec.input('k', [T, KV_HEADS * HEAD_DIM])),
    v: tape.track(rec.input('v', [T, KV_HEADS * HEAD_DIM])),
    ranges: rec.input('ranges', [T, 4], 'u32'),
    keyRanges: rec.input('key ranges', [T, 2], 'u32'),
  };
  const o = attention(tape, { ...inputs, heads: HEADS, kvHeads: KV_HEADS, headDim: HEAD_DIM, scale: 0.2 });
  const dO = rec.input('dO', o.shape);
  tape.addGrad(o, dO);
  tape.backward();
  for (const input of [inputs.q, inputs.k, inputs.v]) rec.output(tape.grad(input)!);
  return { program: rec.finish(), inputs: { ...inputs, dO }, live };
}

/** Words read of q, k, v and dO by all kernels. */
function reads(traits: GpuTraits, ranges: readonly Range[], edit?: (source: string) => string): number[] {
  const T = ranges.length;
  const { program, inputs } = recorded(traits, T);
  const floats = [inputs.q, inputs.k, inputs.v, inputs.dO];
  const check = checkProgram(
    program,
    [
      ...floats.map((tensor) => ({ tensor, data: new Float32Array(tensor.size).fill(0.1) })),
      { tensor: inputs.ranges, data: Uint32Array.from(ranges.flat()) },
      { tensor: inputs.keyRanges, data: Uint32Array.from(keyRangesOf(ranges, T)) },
    ],
    { subgroupSize: traits.subgroupSize, ...(edit && { edit }) },
  );
  expect(check.findings).toEqual([]);
  return floats.map((tensor) => check.reads(tensor));
}

const times = (counts: readonly number[], factor: number) => counts.map((n) => n * factor);
const minus = (a: readonly number[], b: readonly number[]) => a.map((n, i) => n - b[i]!);

/** With the length that fills tiles of queries, of keys, and of all heads' keys. */
describe.each([
  ['software', SOFTWARE, 16],
  ['wide', WIDE, 16],
  ['staged', STAGED, 64],
])('attention (%s)', (_, traits, tile) => {
  test('reads three packed sequences as often as one, three times', () => {
    expect(reads(traits, packed([tile, tile, tile]))).toEqual(times(reads(traits, causal(tile)), 3));
  });

  test('reads each window by itself', () => {
    expect(reads(traits, windows([tile, tile, tile, tile]))).toEqual(times(reads(traits, windows([tile])), 4));
  });

  test('reads little more than half of a causal sequence', () => {
    const [whole, half] = [reads(traits, windows([3 * tile])), reads(traits, causal(3 * tile))];
    // Tiles on the diagonal are read whole, and what a tile loads once for itself does not shrink.
    half.forEach((n, i) => expect(n).toBeLessThan(0.75 * whole[i]!));
  });

  test('reads no more for a completion when others share its prompt', () => {
    const [one, two, four] = [1, 2, 4].map((n) => reads(traits, sharedPrefix(tile, Array<number>(n).fill(tile / 2))));
    expect(minus(four!, two!)).toEqual(times(minus(two!, one!), 2));
  });

  test('would be caught reading from the first key on', () => {
    const fromZero = (source: string) =>
      source
        .replace('let first = subgroupMin(least);', 'let first = 0u;')
        .replaceAll('first = min(first, ', 'first = min(0u, ');
    const three = packed([tile, tile, tile]);
    expect(reads(traits, three, fromZero)).not.toEqual(reads(traits, three));
  });

  test('allocates in proportion to the length, at most', () => {
    const bytes = (T: number): number => [...recorded(traits, T).live().values()].reduce((sum, n) => sum + n, 0);
    const [short, twice, long] = [bytes(4096), bytes(8192), bytes(32768)];
    // Where there are few keys, sums of the key gradient come in parts, lest a GPU be idle: then less than in proportion.
    expect(long - twice).toBeLessThanOrEqual(6 * (twice - short));
    // A score for each pair of a query and a key would take four bytes; here there is not even one.
    expect(long).toBeLessThan(32768 ** 2 / 8);
  });
});

test('tiles in workgroup memory read a fraction of what invocations load for themselves', () => {
  const [alone, together] = [WIDE, STAGED].map((traits) => reads(traits, causal(128)));
  together!.forEach((n, i) => expect(n).toBeLessThan(alone![i]! / 4));
});
