/** LoRA matrices in two arenas: their layout, their first values, and what is refused. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { readTensors } from '../../src/gpu/program.ts';
import { Adapter, type AdapterTarget } from '../../src/nn/adapter.ts';
import { normals, useSession } from '../ops/harness.ts';

const session = useSession();

const target = (module: string, r: number, inFeatures: number, outFeatures: number): AdapterTarget => ({
  module,
  r,
  inFeatures,
  outFeatures,
  alpha: 2 * r,
  scaling: 2,
});
/** Ranks and sizes that fill neither fours nor the alignment of bindings. */
const TARGETS = [target('q', 3, 20, 12), target('v', 4, 8, 36), target('down', 1, 12, 4)];

const random = new Random(51);
const matrices = new Map(
  TARGETS.map((t) => [
    t.module,
    {
      a: Float32Array.from(normals(random, t.r * t.inFeatures)),
      b: Float32Array.from(normals(random, t.outFeatures * t.r)),
    },
  ]),
);

function filled(): Adapter {
  const adapter = new Adapter(session(), TARGETS);
  for (const [module, values] of matrices) adapter.write(module, values);
  return adapter;
}

describe('an adapter', () => {
  test('reads back as it was written, module by module', async () => {
    const adapter = filled();
    expect(await adapter.read()).toEqual(matrices);
    adapter.destroy();
  });

  test('fills ranks up to fours with zeros, and holds nothing else', async () => {
    const adapter = filled();
    const [all] = await readTensors(session(), adapter.parameters);
    const written = [...matrices.values()].flatMap(({ a, b }) => [...a, ...b]);
    expect(all!.filter((v) => v !== 0).sort()).toEqual(Float32Array.from(written).sort());
    const { a, b } = adapter.lora('q')!;
    expect([a.shape, b.shape]).toEqual([
      [4, 20],
      [12, 4],
    ]);
    expect([...all!.subarray(a.offset / 4 + 60, a.offset / 4 + 80)]).toEqual(Array(20).fill(0));
    adapter.destroy();
  });

  test('keeps parameters and gradients at the same places of two arenas, each where a binding may start', () => {
    const adapter = new Adapter(session(), TARGETS);
    const offsets = TARGETS.flatMap(({ module }) => {
      const { a, b, gradA, gradB } = adapter.lora(module)!;
      expect([gradA.offset, gradB.offset]).toEqual([a.offset, b.offset]);
      expect([gradA.shape, gradB.shape]).toEqual([a.shape, b.shape]);
      return [a.offset, b.offset];
    });
    expect(new Set(offsets).size).toBe(6);
    expect(offsets.every((offset) => offset % 256 === 0)).toBe(true);
    expect(adapter.lora('k')).toBeUndefined();
    adapter.destroy();
  });

  test('starts as PEFT’s does: A uniform within 1/√in, B zero, the same for the same seed', async () => {
    const adapter = new Adapter(session(), [target('wide', 8, 256, 4)]);
    const drawn = async (seed: number) => {
      adapter.initialise(new Random(seed));
      return (await adapter.read()).get('wide')!;
    };
    const { a, b } = await drawn(1);
    expect(b.every((v) => v === 0)).toBe(true);
    expect(Math.max(...a.map(Math.abs))).toBeLessThanOrEqual(1 / 16);
    expect(Math.max(...a)).toBeGreaterThan(0.06);
    expect(Math.min(...a)).toBeLessThan(-0.06);
    // Of a uniform distribution within ±c the variance is c²/3.
    expect(a.reduce((sum, v) => sum + v * v, 0) / a.length / (1 / 256 / 3)).toBeCloseTo(1, 1);
    expect((await drawn(2)).a).not.toEqual(a);
    expect((await drawn(1)).a).toEqual(a);
    adapter.destroy();
  });

  test('refuses matrices of another shape and modules it does not have', () => {
    const adapter = new Adapter(session(), TARGETS);
    const { a, b } = matrices.get('q')!;
    expect(() => adapter.write('v', { a, b })).toThrow('v: adapter of another shape');
    expect(() => adapter.write('k', { a, b })).toThrow('no module k');
    adapter.destroy();
  });
});
