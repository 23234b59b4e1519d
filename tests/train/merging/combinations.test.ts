import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdapterMatrices, AdapterTarget } from '../../../src/nn/adapter.ts';
import type { MergedAdapter } from '../../../src/train/merged-rows.ts';
import { COMBINATIONS, combineAdapters, type CombinationKind } from '../../../src/train/merging/combinations.ts';
import type { SignElection } from '../../../src/train/merging/task-vectors.ts';

interface Matrices {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly r: number;
}
interface Golden {
  readonly modules: readonly (readonly [string, number, number])[];
  readonly adapters: readonly {
    readonly name: string;
    readonly scaling: Readonly<Record<string, number>>;
    readonly matrices: Readonly<Record<string, Matrices>>;
  }[];
  readonly cases: readonly {
    readonly kind: CombinationKind;
    readonly adapters: readonly string[];
    readonly weights: readonly number[];
    readonly density?: number;
    readonly signs?: SignElection;
    readonly rank?: number;
    readonly masks: readonly (readonly number[])[];
    readonly merged: Readonly<Record<string, Matrices & { readonly change: readonly number[] }>>;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../golden/adapter-merging.json', import.meta.url), 'utf8'),
) as Golden;
const shapeOf = (module: string) => golden.modules.find(([name]) => name === module)!;

const adapters = new Map(
  golden.adapters.map(({ name, scaling, matrices }): [string, MergedAdapter] => {
    const modules = Object.keys(matrices);
    return [
      name,
      {
        targets: modules.map((module) => {
          const [, outFeatures, inFeatures] = shapeOf(module);
          const { r } = matrices[module]!;
          return { module, inFeatures, outFeatures, r, alpha: r, scaling: scaling[module]! };
        }),
        matrices: new Map(
          modules.map((m) => [m, { a: Float32Array.from(matrices[m]!.a), b: Float32Array.from(matrices[m]!.b) }]),
        ),
      },
    ];
  }),
);

function changeOf(target: AdapterTarget, { a, b }: AdapterMatrices): number[] {
  const { r, inFeatures, outFeatures, scaling } = target;
  return Array.from({ length: outFeatures * inFeatures }, (_, at) => {
    const [o, i] = [Math.floor(at / inFeatures), at % inFeatures];
    let sum = 0;
    for (let k = 0; k < r; k++) sum += b[o * r + k]! * a[k * inFeatures + i]!;
    return scaling * sum;
  });
}

const far = (a: ArrayLike<number>, b: readonly number[]) =>
  Math.max(...b.map((value, i) => Math.abs(value - a[i]!) / Math.max(1, Math.abs(value))));

/** PEFT allocates for the largest rank there could be, and fills what is not used with zeros. */
function trimmed(rank: number, whole: Matrices, outFeatures: number, inFeatures: number) {
  return {
    a: whole.a.slice(0, rank * inFeatures),
    b: Array.from({ length: outFeatures * rank }, (_, at) => whole.b[Math.floor(at / rank) * whole.r + (at % rank)]!),
  };
}

/** Masks as PEFT drew them: module after module, all A, then all B. */
function masksOf({ kind, adapters: names, masks }: Golden['cases'][number]) {
  const named = new Map<string, readonly number[]>();
  let at = 0;
  const parts = kind.endsWith('svd') ? (['change'] as const) : (['A', 'B'] as const);
  for (const [module] of golden.modules)
    for (const matrix of parts)
      for (const [i, name] of names.entries())
        if (adapters.get(name)!.matrices.has(module)) named.set(`${i} ${module} ${matrix}`, masks[at++] ?? []);
  return (part: number, module: string, matrix: string) => named.get(`${part} ${module} ${matrix}`)!;
}

describe('adapters merged as PEFT merges them', () => {
  it('has a case of PEFT’s for every kind', () => {
    expect([...new Set(golden.cases.map(({ kind }) => kind))].sort()).toEqual(Object.keys(COMBINATIONS).sort());
  });

  it.each(
    golden.cases.map((c) => [`${c.kind} of ${c.adapters.join(', ')} by ${c.weights.join(', ')}, ${c.density}`, c]),
  )('gives PEFT’s factors and change: %s', (_, c) => {
    const merged = combineAdapters(
      c.adapters.map((name) => adapters.get(name)!),
      {
        kind: c.kind,
        weights: c.weights,
        masks: masksOf(c),
        ...(c.density !== undefined && { density: c.density }),
        ...(c.signs && { signs: c.signs }),
        ...(c.rank !== undefined && { rank: c.rank }),
      },
    );
    expect(merged.targets.map(({ module }) => module).sort()).toEqual(Object.keys(c.merged).sort());
    for (const target of merged.targets) {
      const theirs = c.merged[target.module]!;
      const ours = merged.matrices.get(target.module)!;
      expect(target.scaling).toBe(1);
      expect(far(changeOf(target, ours), theirs.change)).toBeLessThan(1e-5);
      if (COMBINATIONS[c.kind].works === 'change' && c.adapters.length > 1) continue; // a singular vector’s sign is anyone’s
      const { a, b } = trimmed(target.r, theirs, target.outFeatures, target.inFeatures);
      expect(far(ours.a, a)).toBeLessThan(1e-5);
      expect(far(ours.b, b)).toBeLessThan(1e-5);
    }
  });

  it('draws the same masks from the same seed, and others from another', () => {
    const pair = [adapters.get('first')!, adapters.get('second')!];
    const values = (seed: number) =>
      [
        ...combineAdapters(pair, { kind: 'dare_linear', weights: [1, 1], density: 0.5, seed }).matrices.values(),
      ].flatMap(({ a }) => [...a]);
    expect(values(3)).toEqual(values(3));
    expect(values(3)).not.toEqual(values(4));
  });

  it('keeps about the share that DARE’s density says', () => {
    const ones: MergedAdapter = {
      targets: [{ module: 'm', inFeatures: 4000, outFeatures: 1, r: 1, alpha: 1, scaling: 1 }],
      matrices: new Map([['m', { a: new Float32Array(4000).fill(1), b: Float32Array.of(1) }]]),
    };
    const { a } = combineAdapters([ones, ones], { kind: 'dare_linear', weights: [1, 0], density: 0.25 }).matrices.get(
      'm',
    )!;
    const kept = a.filter((v) => v !== 0);
    expect(kept.length / a.length).toBeGreaterThan(0.2);
    expect(kept.length / a.length).toBeLessThan(0.3);
    expect(new Set(kept)).toEqual(new Set([4]));
  });

  it('agrees with the exact sum wherever the rank is enough', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.double({ min: -2, max: 2, noNaN: true }), (r, weight) => {
        const make = (seed: number): MergedAdapter => ({
          targets: [{ module: 'm', inFeatures: 7, outFeatures: 5, r, alpha: 2 * r, scaling: 2 }],
          matrices: new Map([
            [
              'm',
              {
                a: Float32Array.from({ length: 7 * r }, (_, i) => Math.sin(seed + i)),
                b: Float32Array.from({ length: 5 * r }, (_, i) => Math.cos(3 * seed + i)),
              },
            ],
          ]),
        });
        const pair = [make(1), make(2)];
        const change = (kind: CombinationKind, rank?: number) => {
          const { targets, matrices } = combineAdapters(pair, { kind, weights: [1, weight], ...(rank && { rank }) });
          return changeOf(targets[0]!, matrices.get('m')!);
        };
        expect(far(change('svd', 5), change('cat'))).toBeLessThan(1e-5);
      }),
      { numRuns: 30 },
    );
  });

  const [first, thin] = [adapters.get('first')!, adapters.get('thin')!];
  it.each([
    ['factors of different ranks', [first, thin], { kind: 'linear', weights: [1, 1] }, 'merge-rank'],
    ['a kind without its density', [first, first], { kind: 'ties', weights: [1, 1] }, 'merge-setting'],
    ['a density of 0', [first, first], { kind: 'dare_ties', weights: [1, 1], density: 0 }, 'merge-setting'],
    ['a density above 1', [first, first], { kind: 'magnitude_prune', weights: [1, 1], density: 1.5 }, 'merge-setting'],
    ['a weight too few', [first, first], { kind: 'cat', weights: [1] }, 'merge-setting'],
    ['a weight that is no number', [first, first], { kind: 'cat', weights: [1, NaN] }, 'merge-setting'],
    ['no adapter', [], { kind: 'cat', weights: [] }, 'merge-setting'],
    ['half a rank', [first, first], { kind: 'svd', weights: [1, 1], rank: 0.5 }, 'merge-setting'],
    ['DoRA', [first, { ...first, magnitudes: new Map() }], { kind: 'cat', weights: [1, 1] }, 'adapter-unsupported'],
  ] as const)('refuses %s', (_, parts, settings, code) => {
    expect(() => combineAdapters(parts, settings)).toThrowError(expect.objectContaining({ code }));
  });

  it('refuses adapters of models of different sizes', () => {
    const other: MergedAdapter = {
      targets: [{ ...first.targets[0]!, inFeatures: 99 }],
      matrices: first.matrices,
    };
    expect(() => combineAdapters([first, other], { kind: 'cat', weights: [1, 1] })).toThrowError(
      expect.objectContaining({ code: 'merge-shape' }),
    );
  });
});
