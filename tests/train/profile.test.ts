import { describe, expect, test } from 'vitest';
import type { Dispatch } from '../../src/gpu/program.ts';
import type { DispatchSpan, Recording } from '../../src/gpu/profiler.ts';
import { Storage, Tensor } from '../../src/gpu/tensor.ts';
import { summarise } from '../../src/train/profile.ts';

const tensor = (label: string, ...shape: number[]) => new Tensor(label, 'f32', shape, new Storage(label, 1e6, null));

const BINDINGS = ['x', 'w', 'y'].map((name, index) => ({ name, index, access: 'read' as const }));

function span(name: string, begin: number, end: number, tensors: readonly Tensor[], multiplyAdds = 0): DispatchSpan {
  const kernel = { name, bindings: BINDINGS } as unknown as Dispatch['kernel'];
  const dispatch: Dispatch = { type: 'dispatch', kernel, tensors, params: {}, groups: [1, 1, 1], multiplyAdds };
  return { name, begin, end, program: 'step', dispatch, contents: new Map() };
}

const product = (begin: number, end: number) =>
  span('matmul/nt', begin, end, [tensor('x', 10, 100), tensor('w', 20, 100), tensor('y', 10, 20)], 10 * 20 * 100);

const recording = (r: Partial<Recording>): Recording => ({
  begin: 1000,
  end: 1100,
  gpu: [],
  dispatches: [],
  host: [],
  ...r,
});

const ROOF = { flops: 1e9, bytes: 1e9 };

describe('the profile of a step', () => {
  test('counts the GPU idle while no submission ran, overlaps once, and nothing outside the step', () => {
    const gpu = [
      { name: 'a', begin: 1010, end: 1040 },
      { name: 'b', begin: 1030, end: 1050 },
      { name: 'c', begin: 1090, end: 1120 },
    ];
    const profile = summarise('adapter', ROOF, recording({ gpu }), recording({}));
    expect(profile.wallMs).toBe(100);
    expect(profile.idleShare).toBeCloseTo(0.5);
    expect(profile.submissions).toBe(3);
    expect(profile.longestSubmissionMs).toBe(30);
  });

  test('adds up operations by name, the longest first, with rates and shares', () => {
    const add = span('add/into', 1020, 1021, [tensor('x', 1000), tensor('w', 1000), tensor('y', 500)]);
    const { ops, dispatches } = summarise(
      'adapter',
      ROOF,
      recording({}),
      recording({ dispatches: [add, product(1000, 1002), product(1004, 1006)] }),
    );
    expect(dispatches).toBe(3);
    expect(ops.map((o) => [o.op, o.dispatches, o.ms])).toEqual([
      ['matmul/nt', 2, 4],
      ['add/into', 1, 1],
    ]);
    const [matmul, adding] = ops as [(typeof ops)[0], (typeof ops)[0]];
    expect(matmul.share).toBeCloseTo(0.8);
    // 2 · 10 · 20 · 100 operations in 2 ms, twice: 0.02 of a roof of 1e9; bytes ask for less than that.
    expect(matmul.flopsPerSecond).toBeCloseTo(40_000 / 0.002);
    expect(matmul.roofline).toBeCloseTo(0.02);
    expect(adding.flopsPerSecond).toBe(0);
    expect(adding.bytesPerSecond).toBeCloseTo(10_000 / 0.001);
    expect(adding.roofline).toBeCloseTo(0.01);
  });

  test('is a trace in microseconds from the beginning of the step, host and GPU apart', () => {
    const host = [{ name: 'submit step', begin: 1000.5, end: 1001 }];
    const { trace } = summarise('adapter', ROOF, recording({}), recording({ host, dispatches: [product(1002, 1004)] }));
    const complete = trace.filter((e) => e.ph === 'X');
    expect(complete.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['submit step', 500, 500],
      ['matmul/nt', 2000, 2000],
    ]);
    expect(new Set(complete.map((e) => e.tid)).size).toBe(2);
    expect(trace.filter((e) => e.ph === 'M').map((e) => e.args?.['name'])).toEqual(['host', 'GPU']);
    expect(JSON.parse(JSON.stringify({ traceEvents: trace }))).toEqual({ traceEvents: trace });
  });
});
