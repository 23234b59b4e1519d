/** Profiles of recorded programs: every dispatch with its time, and results that do not change. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { record } from '../../src/gpu/profiler.ts';
import { Recorder, type Session } from '../../src/gpu/recorder.ts';
import { contentsWanted, workOf } from '../../src/ops/arithmetic.ts';
import { attention } from '../../src/ops/attention.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';
import { measureRoofline } from '../../src/ops/roofline.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, normals, openSession, useSession } from '../ops/harness.ts';

const session = useSession();

const [T, C, N, R, HEADS, D] = [12, 16, 24, 4, 2, 16];

/** Products in all three layouts with LoRA, and causal attention with its gradients. */
function recordSomething(s: Session) {
  const rec = new Recorder(s, 'something');
  const random = new Random(2);
  const given = (name: string, ...shape: number[]) =>
    constant(
      rec,
      name,
      shape,
      normals(
        random,
        shape.reduce((a, b) => a * b, 1),
      ),
    );
  const [x, w, z, b] = [given('x', T, C), given('w', N, C), given('z', T, R), given('b', N, R)];
  const y = rec.empty('y', [T, N]);
  matmulNt(rec, x, w, y, { lora: { z, b, scale: 1 } });
  matmulNn(rec, y, w, rec.empty('dx', [T, C]));
  matmulTn(rec, y, x, rec.empty('dw', [N, C]));
  const tape = new Tape(rec);
  const [q, k, v] = ['q', 'k', 'v'].map((name) => tape.track(given(name, T, HEADS * D)));
  const ranges = rec.input('ranges', [T, 4], 'u32');
  const keyRanges = rec.input('key ranges', [T, 2], 'u32');
  const o = attention(tape, {
    q: q!,
    k: k!,
    v: v!,
    ranges,
    keyRanges,
    heads: HEADS,
    kvHeads: HEADS,
    headDim: D,
    scale: 1,
  });
  tape.addGrad(o, given('dO', T, HEADS * D));
  tape.backward();
  const program = rec.finish();
  const causal = Array.from({ length: T }, (_, t) => [0, 0, 0, t + 1]).flat();
  const write = () => {
    program.write(ranges, Uint32Array.from(causal));
    program.write(keyRanges, Uint32Array.from(Array.from({ length: T }, (_, t) => [t, T]).flat()));
  };
  return { program, write };
}

describe('a recording', () => {
  test('has every dispatch with its time and its arithmetic', async () => {
    const { program, write } = recordSomething(session());
    await session().kernels.ready();
    write();
    const recording = await record(session(), async () => program.run(2), { dispatches: true, wanted: contentsWanted });
    const dispatches = program.commands.filter((c) => c.type === 'dispatch');
    expect(recording.dispatches.map((d) => d.dispatch)).toEqual([...dispatches, ...dispatches]);
    for (const { begin, end } of recording.dispatches) {
      expect(end).toBeGreaterThanOrEqual(begin);
      expect(begin).toBeGreaterThanOrEqual(recording.begin);
    }
    const flops = new Map(recording.dispatches.map((d) => [d.name, workOf(d.dispatch, d.contents).flops] as const));
    const pairs = (T * (T + 1)) / 2;
    expect(flops.get('matmul/nt')).toBe(2 * T * N * (C + R));
    expect(flops.get('matmul/nn')).toBe(2 * T * N * C);
    expect(flops.get('matmul/tn')).toBe(2 * T * N * C);
    expect(flops.get('attention/forward')).toBe(4 * pairs * HEADS * D);
    expect(flops.get('attention/query-gradient')).toBe(6 * pairs * HEADS * D);
    expect(flops.get('attention/key-gradient')).toBe(8 * pairs * HEADS * D);
    program.destroy();
  });

  test('changes no result', async () => {
    const { program, write } = recordSomething(session());
    const y = program.commands.flatMap((c) => (c.type === 'dispatch' ? c.tensors : [])).find((t) => t.label === 'dw')!;
    const results: Float32Array[] = [];
    const run = async () => {
      write();
      program.run();
      results.push((await program.read(y))[0]!);
    };
    await run();
    for (const dispatches of [false, true]) await record(session(), run, { dispatches });
    expect(results).toHaveLength(3);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    program.destroy();
  });

  test('ends with its work, also when that fails', async () => {
    await expect(record(session(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const { program } = recordSomething(session());
    const recording = await record(session(), async () => program.run());
    expect(recording.gpu.length).toBeGreaterThan(0);
    expect(session().queue.profiler).toBeNull();
    program.destroy();
  });

  test('is refused where the adapter cannot tell the time', async () => {
    const without = await openSession({ without: ['timestamp-query'] });
    await expect(record(without, async () => {})).rejects.toMatchObject({ code: 'no-timestamps' });
    without.destroy();
  });
});

test('the roofline is measured', async () => {
  const { flops, bytes } = await measureRoofline(session());
  for (const rate of [flops, bytes]) {
    expect(rate).toBeGreaterThan(0);
    expect(rate).toBeLessThan(Infinity);
  }
});
