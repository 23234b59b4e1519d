/** Cutting a program into submissions of measured length. */
import { describe, expect, test, vi } from 'vitest';
import { globals } from 'webgpu';
import { Random } from '../../src/base/random.ts';
import { DESKTOP, dryGpu } from '../../src/gpu/dry.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Pace, type Piece } from '../../src/gpu/pace.ts';
import { Recorder, Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { matmulNt } from '../../src/ops/matmul.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, normals, useSession } from '../ops/harness.ts';

Object.assign(globalThis, globals);

const STAMP = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = 1.0; }`;

const SLICED = `struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main(@builtin(workgroup_id) group: vec3<u32>) { y[group.x] = f32(p.n); }`;

/** A GPU whose workgroups take a millisecond each, or what they are told, by a clock that only its work moves. */
class FakeGpu {
  now = 0;
  /** Milliseconds of a workgroup, by its index. */
  cost = (_group: number): number => 1;
  /** Workgroups [first, end) of each dispatch. */
  readonly dispatched: (readonly [first: number, end: number])[] = [];
  /** Milliseconds of each submission with dispatches. */
  readonly submissions: number[] = [];
  #done = 0;
  #mapped = Promise.resolve();
  readonly gpu: Gpu;

  constructor() {
    const { gpu } = dryGpu({ ...DESKTOP, features: { ...DESKTOP.features, timestamps: false } });
    const { device } = gpu;
    const createBuffer = device.createBuffer.bind(device);
    /** Where the slices of dispatches begin, by the place of their parameters. */
    const firsts = new Map<number, number>();
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
      // Of a bind group, where in the uniforms its parameters are.
      createBindGroup: ({ entries: [{ resource }] }: { entries: [{ resource: GPUBufferBinding }] }) => resource.offset,
      createCommandEncoder: () => {
        let ms = 0;
        let bound = 0;
        const pass = {
          setPipeline: () => {},
          setBindGroup: (_: number, at: number) => (bound = at),
          dispatchWorkgroups: (x: number) => {
            const first = firsts.get(bound) ?? 0;
            this.dispatched.push([first, first + x]);
            for (let group = first; group < first + x; group++) ms += this.cost(group);
          },
          end: () => {},
        };
        return { beginComputePass: () => pass, copyBufferToBuffer: () => {}, finish: () => ms };
      },
    });
    Object.assign(device.queue, {
      writeBuffer: (_: GPUBuffer, at: number, data: Uint32Array | ArrayBuffer, from = 0) => {
        if (data instanceof Uint32Array) firsts.set(at - (at % 256), data[from]!);
      },
      submit: ([ms]: [number]) => {
        if (ms > 0) this.submissions.push(ms);
        this.#done = Math.max(this.#done, this.now) + ms;
      },
    });
    this.gpu = gpu;
  }
}

/** Submissions of the last of twelve runs. */
async function settledSubmissions(fake: FakeGpu, record: (rec: Recorder, y: Tensor) => void): Promise<number[]> {
  const session = new Session(fake.gpu, { now: () => fake.now });
  const rec = new Recorder(session, 'test');
  record(rec, rec.empty('y', [1]));
  const program = rec.finish();
  for (let run = 0; run < 12; run++) {
    fake.submissions.length = 0;
    fake.dispatched.length = 0;
    program.run();
    await session.readback.read([]);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return fake.submissions;
}

describe('a program whose commands take', () => {
  test.each([
    { name: '1 ms each', costs: Array<number>(500).fill(1) },
    { name: '40 ms each', costs: Array<number>(30).fill(40) },
    { name: 'anything up to 60 ms', costs: Array.from({ length: 200 }, (_, i) => 1 + ((i * 37) % 60)) },
    { name: '2 ms, but for a few long ones', costs: Array.from({ length: 300 }, (_, i) => (i % 50 === 7 ? 90 : 2)) },
  ])('$name is soon submitted in pieces below the budget', async ({ costs }) => {
    const submissions = await settledSubmissions(new FakeGpu(), (rec, y) => {
      for (const ms of costs) rec.dispatch('stamp', STAMP, { bind: { y }, groups: [ms] });
    });
    const total = costs.reduce((a, b) => a + b, 0);
    expect(submissions.reduce((a, b) => a + b, 0)).toBe(total);
    expect(Math.max(...submissions)).toBeLessThanOrEqual(100);
    // Nor are they cut to crumbs.
    expect(submissions.length).toBeLessThanOrEqual(Math.ceil(total / 100) * 3);
  });

  test.each([
    { name: 'its workgroups equally long', cost: () => 1 },
    { name: 'the last workgroups twenty times as long as the first', cost: (g: number) => 0.1 + (1.9 * g) / 999 },
    { name: 'all of it in a few workgroups', cost: (g: number) => (g >= 500 && g < 510 ? 90 : 0.1) },
  ])('a second in one dispatch that seemed short, $name, is soon cut within it', async ({ cost }) => {
    const fake = new FakeGpu();
    fake.cost = cost;
    const submissions = await settledSubmissions(fake, (rec, y) => {
      // A millisecond, by what a slow GPU does.
      const record = (groups: number) =>
        rec.dispatch('sliced', SLICED, { bind: { y }, params: { n: 1 }, groups: [groups], multiplyAdds: 1e5 * groups });
      [3, 1000, 3].forEach(record);
    });
    expect(Math.max(...submissions)).toBeLessThanOrEqual(100);
    expect(submissions.length).toBeLessThanOrEqual(40);
    // Every workgroup once, in order.
    const groups = fake.dispatched.flatMap(([first, end]) => Array.from({ length: end - first }, (_, i) => first + i));
    expect(groups).toEqual([3, 1000, 3].flatMap((n) => [...Array(n).keys()]));
  });

  test('more than the budget alone stands alone', async () => {
    const pace = new Pace([5, 5, 250, 5, 5].map((ms) => ({ ms, cells: 1 })));
    expect(pace.cut(1, 100)).toContainEqual({ start: 2, end: 3 });
  });
});

describe('what was never timed', () => {
  test('is cut by its multiply-adds where they take longer than its bytes', () => {
    const { gpu } = dryGpu({ ...DESKTOP, software: true, profile: 'software', subgroupSize: 8 });
    const session = new Session(gpu);
    const rec = new Recorder(session, 'test');
    // 0.8 MB and 17 million multiply-adds each, which the slowest software adapter we know does in 17 ms. A cell is one of
    // 16 columns of workgroups.
    const n = 256;
    for (let i = 0; i < 40; i++) {
      const [x, w] = ['x', 'w'].map((name) => rec.input(name, [n, n])) as [Tensor, Tensor];
      matmulNt(rec, x, w, rec.output(rec.empty('y', [n, n])));
    }
    const pieces = rec.finish().pace.cut(1, 100);
    for (const { start, end } of pieces) expect((17 / 16) * (end - start)).toBeLessThanOrEqual(100);
    expect(pieces.length).toBeLessThan(40);
  });
});

/** Whether each command begins at one place in a piece, however often it is part of it. */
function beginsOnce(commands: readonly { readonly cells: number }[], total: number, { start, end }: Piece): boolean {
  let at = 0;
  return commands.every(({ cells }) => {
    const own = at;
    at += cells;
    const begins = new Set<number>();
    for (let first = own + Math.floor(start / total) * total; first < end; first += total)
      if (first + cells > start) begins.add(Math.max(0, start - first));
    return begins.size <= 1;
  });
}

describe('cuts', () => {
  test('cover every repetition once, in order, and begin no command at two places in a piece', () => {
    const random = new Random(3);
    for (let round = 0; round < 60; round++) {
      const guesses = Array.from({ length: 1 + random.below(40) }, () => ({
        ms: random.uniform() * 50,
        cells: 1 + random.below(2) * random.below(30),
      }));
      const [times, budget] = [1 + random.below(4), 1 + random.below(200)];
      const pace = new Pace(guesses);
      const total = guesses.reduce((sum, { cells }) => sum + cells, 0);
      // Again with what was learnt, which may be cut finer.
      for (let run = 0; run < 3; run++) {
        const pieces = pace.cut(times, budget);
        expect(pieces[0]!.start).toBe(0);
        expect(
          pieces.every(({ start, end }, i) => start < end && end === (pieces[i + 1]?.start ?? total * times)),
        ).toBe(true);
        expect(pieces.every((piece) => beginsOnce(guesses, total, piece))).toBe(true);
        pace.learn(
          pieces.map((piece) => ({ piece, ms: random.uniform() * 300 })),
          budget,
        );
      }
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

  test('of long transfers are the same, a stretch at a time', async () => {
    const s = session();
    const size = 700_001;
    const values = Float32Array.from({ length: size }, (_, i) => i + 1);
    const rec = new Recorder(s, 'test');
    const [x, y, z] = [rec.input('x', [size]), rec.empty('y', [size]), rec.empty('z', [size])].map((t) =>
      rec.output(t),
    ) as [Tensor, Tensor, Tensor];
    rec.copy(x, z);
    rec.copy(x, y, { fromByte: 4, toByte: 8, bytes: 4 * (size - 2) });
    rec.clear(x);
    const program = rec.finish();
    expect(program.cells).toBe(9);
    const budget = s.queue.budgetMs;
    s.queue.budgetMs = 1e-9;
    program.write(x, values);
    program.run();
    s.queue.budgetMs = budget;
    const [cleared, moved, copied] = await program.read(x, y, z);
    expect(copied!.every((v, i) => v === values[i])).toBe(true);
    expect(moved!.every((v, i) => i < 2 || v === values[i - 1])).toBe(true);
    expect(cleared!.every((v) => v === 0)).toBe(true);
    program.destroy();
  });

  test('and times are had of hundreds of pieces, to the last', async () => {
    const s = session();
    const rec = new Recorder(s, 'test');
    const [x, y] = [rec.input('x', [64, 64]), rec.empty('y', [64, 64])];
    for (let i = 0; i < 300; i++) matmulNt(rec, x, x, y);
    const program = rec.finish();
    const pieces = program.pace.cut(1, 1e-9);
    expect(pieces.length).toBeGreaterThanOrEqual(300);
    const learn = vi.spyOn(program.pace, 'learn');
    const learnt = new Promise<Parameters<Pace['learn']>[0]>((resolve) => learn.mockImplementationOnce(resolve));
    const budget = s.queue.budgetMs;
    s.queue.budgetMs = 1e-9;
    program.write(x, new Float32Array(64 * 64));
    program.run();
    s.queue.budgetMs = budget;
    // Not each of them: what took no time by the adapter's clock says nothing.
    expect((await learnt).at(-1)!.piece.end).toBeGreaterThan(0.9 * program.cells);
    program.destroy();
  });
});
