import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planLives, type Life } from '../../src/gpu/arena.ts';

const life = fc
  .record({ bytes: fc.integer({ min: 1, max: 5000 }), first: fc.nat({ max: 60 }), span: fc.nat({ max: 20 }) })
  .map(({ bytes, first, span }): Life => ({ bytes, first, last: first + span }));
const lives = fc.array(life, { maxLength: 60 });

/** Bytes alive at the busiest command: what no plan can go below. */
function peakBytes(of: readonly Life[]): number {
  const at = (command: number) =>
    of.filter((l) => l.first <= command && command <= l.last).reduce((sum, l) => sum + l.bytes, 0);
  return Math.max(0, ...of.map((l) => at(l.first)));
}

describe('the plan of transient memory', () => {
  test('lives that overlap never share a slot, and every life fits its slot', () => {
    fc.assert(
      fc.property(lives, (all) => {
        const { slots, sizes } = planLives(all);
        all.forEach((a, i) => {
          expect(sizes[slots[i]!]).toBeGreaterThanOrEqual(a.bytes);
          all.forEach((b, j) => {
            if (i < j && slots[i] === slots[j]) expect(a.last < b.first || b.last < a.first).toBe(true);
          });
        });
      }),
    );
  });

  test('slots come sorted, largest first, each as large as its largest tenant', () => {
    fc.assert(
      fc.property(lives, (all) => {
        const { slots, sizes } = planLives(all);
        expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
        sizes.forEach((size, slot) =>
          expect(size).toBe(Math.max(...all.filter((_, i) => slots[i] === slot).map((l) => l.bytes))),
        );
      }),
    );
  });

  test('the total lies between the peak and the sum', () => {
    fc.assert(
      fc.property(lives, (all) => {
        const total = planLives(all).sizes.reduce((a, b) => a + b, 0);
        expect(total).toBeGreaterThanOrEqual(peakBytes(all));
        expect(total).toBeLessThanOrEqual(all.reduce((sum, l) => sum + l.bytes, 0));
      }),
    );
  });

  test('a chain of layers needs two slots, however long it is', () => {
    const chain = Array.from({ length: 50 }, (_, i): Life => ({ bytes: 100, first: i, last: i + 1 }));
    expect(planLives(chain).sizes).toEqual([100, 100]);
  });

  test('lives that only touch at one command do overlap', () => {
    expect(
      planLives([
        { bytes: 4, first: 0, last: 3 },
        { bytes: 4, first: 3, last: 5 },
      ]).sizes,
    ).toEqual([4, 4]);
  });

  test('nothing needs nothing', () => {
    expect(planLives([])).toEqual({ slots: [], sizes: [] });
  });

  test('the same lives give the same plan', () => {
    fc.assert(
      fc.property(lives, (all) => {
        expect(planLives(all)).toEqual(planLives(all));
      }),
    );
  });
});
