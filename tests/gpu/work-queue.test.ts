import { describe, expect, test } from 'vitest';
import { globals } from 'webgpu';
import { Random } from '../../src/base/random.ts';
import { DESKTOP, dryGpu } from '../../src/gpu/dry.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Pace } from '../../src/gpu/pace.ts';
import { Recorder, Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { matmulNt } from '../../src/ops/matmul.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, normals, useSession } from '../ops/harness.ts';

Object.assign(globalThis, globals);

const STAMP = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = 1.0; }`;

/** A GPU whose dispatches take as many milliseconds as they have workgroups, by a clock that only its work moves. */
class FakeGpu {
  now = 0;
  /** Milliseconds of each submission with dispatches. */
  readonly submissions: number[] = [];
  #done = 0;
  #mapped = Promise.resolve();
  readonly gpu: Gpu;

  constructor() {
    const { gpu } = dryGpu({ ...DESKTOP, features: { ...DESKTOP.features, timestamps: false } });
    const { device } = gpu;
    const createBuffer = device.createBuffer.bind(device);
    Object.assign(device, {
      createBuffer: (descriptor: GPUBufferDescriptor) =>
        Object.assign(createBuffer(descriptor), {
          // One after the other, each in a task of its own, as events come.
          mapAsync: () => {
            const done = this.#done;
            return (this.#mapped = this.#mapped.then(async () => {
              await new Promise((resolve) => setTimeout(resolve, 0));
              this.now = Math.max(this.now, done);
            }));
          },
        }),
      createBindGroup: () => ({}),
      createCommandEncoder: () => {
        let ms = 0;
        const pass = {
          setPipeline: () => {},
          setBindGroup: () => {},
          dispatchWorkgroups: (x: number) => (ms += x),
          end: () => {},
        };
        return { beginComputePass: () => pass, copyBufferToBuffer: () => {}, finish: () => ms };
      },
    });
    Object.assign(device.queue, {
      submit: ([ms]: [number]) => {
        if (ms > 0) this.submissions.push(ms);
        this.#done = Math.max(this.#done, this.now) + ms;
      },
    });
    this.gpu = gpu;
  }
}

describe('a program whose commands take', () => {
  test.each([
    { name: '1 ms each', costs: Array<number>(500).fill(1) },
    { name: '40 ms each', costs: Array<number>(30).fill(40) },
    { name: 'anything up to 60 ms', costs: Array.from({ length: 200 }, (_, i) => 1 + ((i * 37) % 60)) },
    { name: '2 ms, but for a few long ones', costs: Array.from({ length: 300 }, (_, i) => (i % 50 === 7 ? 90 : 2)) },
  ])('$name is soon submitted in pieces below the budget', async ({ costs }) => {
    const fake = new FakeGpu();
    const session = new Session(fake.gpu, { now: () => fake.now });
    const y = new Recorder(session, 'test').empty('y', [1]);
    const rec = new Recorder(session, 'test');
    for (const ms of costs) rec.dispatch('stamp', STAMP, { bind: { y }, groups: [ms] });
    const program = rec.finish();
    for (let run = 0; run < 12; run++) {
      fake.submissions.length = 0;
      program.run();
      await session.readback.read([]);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const total = costs.reduce((a, b) => a + b, 0);
    expect(fake.submissions.reduce((a, b) => a + b, 0)).toBe(total);
    expect(Math.max(...fake.submissions)).toBeLessThanOrEqual(100);
    // Nor are they cut to crumbs.
    expect(fake.submissions.length).toBeLessThanOrEqual(Math.ceil(total / 100) * 3);
  });

  test('more than the budget alone stands alone', async () => {
    const pace = new Pace([5, 5, 250, 5, 5]);
    expect(pace.cut(1, 100)).toContainEqual({ start: 2, end: 3 });
  });
});

describe('what was never timed', () => {
  test('is cut by its multiply-adds where they take longer than its bytes', () => {
    const { gpu } = dryGpu({ ...DESKTOP, software: true, profile: 'software', subgroupSize: 8 });
    const session = new Session(gpu);
    const rec = new Recorder(session, 'test');
    // 0.8 MB and 17 million multiply-adds each, which the slowest software adapter we know does in 17 ms.
    const n = 256;
    for (let i = 0; i < 40; i++) {
      const [x, w] = ['x', 'w'].map((name) => rec.input(name, [n, n])) as [Tensor, Tensor];
      matmulNt(rec, x, w, rec.output(rec.empty('y', [n, n])));
    }
    const pieces = rec.finish().pace.cut(1, 100);
    for (const { start, end } of pieces) expect(17 * (end - start)).toBeLessThanOrEqual(100);
    expect(pieces.length).toBeLessThan(40);
  });
});

describe('cuts', () => {
  test('cover every repetition once, in order, for any costs and budget', () => {
    const random = new Random(3);
    for (let round = 0; round < 200; round++) {
      const costs = Array.from({ length: 1 + random.below(40) }, () => random.uniform() * 50);
      const times = 1 + random.below(4);
      const pieces = new Pace(costs).cut(times, 1 + random.below(200));
      expect(pieces[0]!.start).toBe(0);
      pieces.forEach((piece, i) => {
        expect(piece.end).toBeGreaterThan(piece.start);
        expect(piece.end).toBe(pieces[i + 1]?.start ?? costs.length * times);
      });
    }
  });
});

describe('results', () => {
  const session = useSession();

  test('are the same bit for bit wherever the cuts fall, and however often it repeats', async () => {
    const s = session();
    const [T, C] = [24, 32];
    const rng = new Random(5);
    const [state, weight] = [normals(rng, T * C), normals(rng, C * C, 0.2)];
    const rec = new Recorder(s, 'test');
    const w = constant(rec, 'w', [C, C], weight);
    const h = s.resident('state', [T, C]);
    const tape = new Tape(rec, { recording: false });
    let x: Tensor = h;
    for (let layer = 0; layer < 6; layer++) {
      const y = rec.empty('y', [T, C]);
      matmulNt(rec, x, w, y);
      x = gelu(tape, y);
    }
    rec.copy(x, h);
    const program = rec.finish();
    const results: Float32Array[] = [];
    const budget = s.queue.budgetMs;
    for (const budgetMs of [1e9, 1e-9, 0.05, 0.2])
      for (const inOne of [true, false]) {
        s.queue.budgetMs = budgetMs;
        s.write(h, Float32Array.from(state));
        program.write(w, Float32Array.from(weight));
        if (inOne) program.run(5);
        else for (let i = 0; i < 5; i++) program.run();
        results.push((await program.read(h))[0]!);
      }
    s.queue.budgetMs = budget;
    expect(results[0]!.some((v) => v !== 0)).toBe(true);
    for (const result of results) expect(result).toEqual(results[0]);
    program.destroy();
    s.release(h);
  });
});
