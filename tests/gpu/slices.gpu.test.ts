/** Dispatches that would hold the GPU for too long are run in slices of their workgroups, and nobody can tell. */
import { describe, expect, test } from 'vitest';
import { globals } from 'webgpu';
import { Random } from '../../src/base/random.ts';
import { DESKTOP, dryGpu } from '../../src/gpu/dry.ts';
import { Recorder, Session } from '../../src/gpu/recorder.ts';
import { axisOf, sliceable } from '../../src/gpu/slices.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';
import { pack } from '../../src/train/pack.ts';
import { Scorer } from '../../src/train/scorer.ts';
import { joined, withTiny } from '../train/tiny-model.ts';
import { constant, normals, openSession, run, type SessionOptions } from '../ops/harness.ts';

Object.assign(globalThis, globals);

/** Kernels with barriers are compiled for seconds on lavapipe. */
const PROFILES =
  process.env['GROUNDWORK_ADAPTER'] === 'lavapipe'
    ? (['software', 'registers'] as const)
    : (['software', 'registers', 'shared', 'matrix'] as const);

describe('slices', () => {
  test('run along the longest dimension, or along the outermost where a kernel counts those before it', () => {
    for (const [groups, longest, outermost] of [
      [[7], 0, 0],
      [[3, 9], 1, 1],
      [[9, 3], 0, 1],
      [[9, 9], 0, 1],
      [[2, 5, 4], 1, 2],
      [[2, 5, 1], 1, 1],
    ] as const)
      expect([axisOf(groups, 'longest'), axisOf(groups, 'outermost')]).toEqual([longest, outermost]);
  });

  test('a kernel is told where its slice begins; one that counts invocations, or has no parameters, is left whole', () => {
    const head = 'struct Params { rows: u32, }\n@group(0) @binding(0) var<uniform> p: Params;\n';
    const { code, axis } = sliceable(
      `${head}@compute fn main(@builtin(workgroup_id) g: vec3<u32>) {\n  y[g.x] = 1;\n}`,
    );
    expect(axis).toBe('longest');
    expect(code).toContain('struct Params { rows: u32, sliceX: u32, sliceY: u32, sliceZ: u32 }');
    expect(code).toContain('let g = g_of_slice + vec3<u32>(p.sliceX, p.sliceY, p.sliceZ);');
    for (const whole of [
      `${head}@compute fn main(@builtin(global_invocation_id) id: vec3<u32>) {}`,
      '@compute fn main(@builtin(workgroup_id) g: vec3<u32>) {}',
    ])
      expect(sliceable(whole)).toEqual({ code: whole, axis: null });
  });

  test('a product that is guessed to take a second is cut, by guesses alone, into submissions within the budget', () => {
    const session = new Session(dryGpu({ ...DESKTOP, software: true, profile: 'software', subgroupSize: 8 }).gpu);
    const rec = new Recorder(session, 'test');
    // A thousand million multiply-adds: a second on a slow software adapter.
    const [x, w] = ['x', 'w'].map((name) => rec.input(name, [1000, 1000]));
    matmulNt(rec, x!, w!, rec.output(rec.empty('y', [1000, 1000])));
    const program = rec.finish();
    expect(program.commands).toHaveLength(1);
    const pieces = program.pace.cut(1, 100);
    expect(pieces.length).toBeGreaterThanOrEqual(10);
    // 63 × 63 workgroups: a column of them takes 16 ms.
    expect(program.cells).toBe(63);
    for (const { start, end } of pieces) expect((end - start) * 16).toBeLessThanOrEqual(100);
  });
});

/** With a budget so small that everything is cut as often as it can be, and with one that cuts nothing. */
async function bothWays<T>(
  work: (session: Session) => Promise<T>,
  options: SessionOptions = {},
): Promise<[whole: T, sliced: T]> {
  const results: T[] = [];
  for (const budgetMs of [1e9, 1e-6]) {
    const session = await openSession({ ...options, budgetMs }, (message) => expect.fail(message));
    results.push(await work(session));
    expect(session.residentLabels).toEqual([]);
    session.destroy();
  }
  return results as [T, T];
}

describe('results are the same to the bit whole and in slices', () => {
  test('of a policy step: log-probs, loss and every gradient', async () => {
    const [whole, sliced] = await bothWays((session) =>
      withTiny(session, async (tiny) => {
        const adapter = tiny.attach(3);
        const { prompt, features } = await tiny.sample('Box the disc.');
        const packed = pack([{ prompt, completions: ['the box is here', 'a disc'].map((text) => tiny.encode(text)) }]);
        const scorer = new Scorer(tiny.model, adapter);
        const settings = { mode: { kind: 'nll' }, temperature: 1, adapter: true, checkpoint: false } as const;
        const { program } = scorer.compile(packed.sizes, settings);
        const { logps, terms } = await scorer.run(packed, features, settings, {
          weight: new Float32Array(packed.entries.length).fill(0.1),
        });
        const gradients = joined([...(await adapter.read('gradients')).values()].flatMap(({ a, b }) => [a, b]));
        scorer.destroy();
        return { logps, terms, gradients, features, pieces: program.pace.cut(1, session.queue.budgetMs).length };
      }),
    );
    expect(whole.pieces).toBe(1);
    expect(sliced.pieces).toBeGreaterThan(1000);
    expect(whole.gradients.some((v) => v !== 0)).toBe(true);
    expect({ ...sliced, pieces: 1 }).toEqual(whole);
  });

  test.each(PROFILES)('of products tuned as %s', async (profile) => {
    const [whole, sliced] = await bothWays(
      async (session) => {
        const rng = new Random(7);
        const [M, N, K] = [72, 136, 68];
        const [x, w, dy] = [normals(rng, M * K), normals(rng, N * K), normals(rng, M * N)];
        return run(session, (rec) => {
          const [xt, wt] = [constant(rec, 'x', [M, K], x), constant(rec, 'w', [N, K], w)];
          const dyt = constant(rec, 'dy', [M, N], dy);
          const [y, dx, dw] = [rec.empty('y', [M, N]), rec.empty('dx', [M, K]), rec.empty('dw', [N, K])];
          matmulNt(rec, xt, wt, y);
          matmulNn(rec, dyt, wt, dx);
          matmulTn(rec, dyt, xt, dw);
          return [y, dx, dw];
        });
      },
      { profile },
    );
    expect(sliced).toEqual(whole);
  });
});
