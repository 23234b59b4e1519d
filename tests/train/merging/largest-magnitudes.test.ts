import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LargestMagnitudes } from '../../../src/train/merging/largest-magnitudes.ts';

function pruned(values: Float32Array, k: number, block: number): number[] {
  const blocks = Array.from({ length: Math.ceil(values.length / block) }, (_, i) =>
    values.slice(i * block, (i + 1) * block),
  );
  const largest = new LargestMagnitudes(k);
  for (const each of blocks) largest.count(each);
  largest.refine();
  for (const each of blocks) largest.count(each);
  for (const each of blocks) largest.prune(each);
  return blocks.flatMap((each) => [...each]);
}

describe('the largest magnitudes of a vector seen in blocks', () => {
  it('are those that sorting finds, the first of equal ones', () => {
    const vectors = fc.array(fc.oneof(fc.float({ noNaN: true }), fc.constantFrom(0.5, -0.5, 0, 1e-40)), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(vectors, fc.nat(40), fc.integer({ min: 1, max: 7 }), (list, most, block) => {
        const values = Float32Array.from(list);
        const k = Math.min(most, values.length);
        const kept = new Set(
          [...values.keys()].sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b).slice(0, k),
        );
        expect(pruned(values, k, block).map((v) => v + 0)).toEqual(
          [...values].map((value, i) => (kept.has(i) ? value : 0) + 0),
        );
      }),
    );
  });
});
