import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pack, type PackedGroup } from '../../src/train/pack.ts';

const group = ([prompt, completions]: [number, number[]]): PackedGroup => ({
  prompt: {
    id: '',
    tokens: new Uint32Array(prompt),
    axes: Int32Array.from({ length: prompt }, (_, i) => i),
    next: prompt,
    featureIndex: new Int32Array(prompt).fill(-1),
    featureRows: 0,
  },
  completions: completions.map((length) => new Uint32Array(length)),
});

const groups = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 9 }), fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 })),
  {
    minLength: 1,
    maxLength: 4,
  },
);

test('scored rows alone see what they see among all rows, and are seen by the same keys', () => {
  fc.assert(
    fc.property(groups, (shapes) => {
      const { rows, ranges, keyRanges, rowRanges, rowsOfKeys, sizes } = pack(shapes.map(group), { step: 4 });
      expect([rowRanges.length, rowsOfKeys.length]).toEqual([4 * sizes.U, 2 * sizes.T]);
      rows.forEach((row, u) => {
        const own = [...rowRanges.subarray(4 * u, 4 * u + 4)];
        expect(own).toEqual(row < 0 ? [0, 0, 0, 0] : [...ranges.subarray(4 * row, 4 * row + 4)]);
      });
      for (let key = 0; key < sizes.T; key++) {
        const [from, to] = keyRanges.subarray(2 * key, 2 * key + 2) as unknown as [number, number];
        const seeing = [...rows.keys()].filter((u) => rows[u]! >= from && rows[u]! < to);
        const [first, end] = rowsOfKeys.subarray(2 * key, 2 * key + 2) as unknown as [number, number];
        expect(Array.from({ length: end - first }, (_, i) => first + i)).toEqual(seeing);
      }
    }),
  );
});
