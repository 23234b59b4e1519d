import { describe, expect, it } from 'vitest';
import type { MergedAdapter } from '../../../src/train/merged-rows.ts';
import { combineAdapters } from '../../../src/train/merging/combinations.ts';
import { adapterLikeness } from '../../../src/train/merging/likeness.ts';

/** One row: the change is scaling · b · a. */
const row = (module: string, a: readonly number[], b: number, scaling = 1): MergedAdapter => ({
  targets: [{ module, inFeatures: a.length, outFeatures: 1, r: 1, alpha: scaling, scaling }],
  matrices: new Map([[module, { a: Float32Array.from(a), b: Float32Array.of(b) }]]),
});

describe('how like its parts a merged adapter is', () => {
  it('gives lengths of whole changes and cosines between them', () => {
    const parts = [row('m', [1, 0], 3), row('m', [0, 1], 2, 2)];
    const { norm, parts: like } = adapterLikeness(parts, combineAdapters(parts, { kind: 'cat', weights: [1, 1] }));
    expect(norm).toBeCloseTo(5);
    expect(like).toEqual([
      { norm: 3, cosine: expect.closeTo(0.6) },
      { norm: 4, cosine: expect.closeTo(0.8) },
    ]);
  });

  it('shows by module that one part was taken away', () => {
    const parts = [row('m', [1, 1], 1), row('m', [1, 1], 1)];
    const result = combineAdapters(parts, { kind: 'cat', weights: [-1, 0] });
    expect(adapterLikeness(parts, result).modules).toEqual([
      {
        module: 'm',
        norm: expect.closeTo(Math.SQRT2),
        parts: [expect.objectContaining({ cosine: expect.closeTo(-1) }), expect.anything()],
      },
    ]);
  });

  it('has no angle where a part changes nothing', () => {
    const parts = [row('m', [1, 0], 1), row('other', [1], 1)];
    const { modules } = adapterLikeness(parts, combineAdapters(parts, { kind: 'cat', weights: [1, 1] }));
    expect(modules.map((m) => m.parts.map(({ cosine }) => cosine))).toEqual([
      [expect.closeTo(1), null],
      [null, expect.closeTo(1)],
    ]);
  });
});
