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

test('earlier answers are scored where their tokens stand in the prompt, before the completion', () => {
  const tokens = Uint32Array.of(10, 11, 12, 13, 14);
  const { rows, start, targets, entries } = pack([
    {
      prompt: {
        id: '',
        tokens,
        axes: Int32Array.from(tokens.keys()),
        next: 5,
        featureIndex: new Int32Array(5).fill(-1),
        featureRows: 0,
      },
      completions: [Uint32Array.of(20, 21)],
      learnt: Uint8Array.of(0, 0, 1, 1, 0),
    },
  ]);
  // Row i predicts the token after it.
  expect([...rows.subarray(0, 4)]).toEqual([1, 2, 4, 5]);
  expect([...start.subarray(0, 5)]).toEqual([0, 1, 2, 3, 4]);
  expect([...targets.subarray(0, 4)]).toEqual([12, 13, 20, 21]);
  expect(entries).toEqual([
    { group: 0, completion: -1, index: 2 },
    { group: 0, completion: -1, index: 3 },
    { group: 0, completion: 0, index: 0 },
    { group: 0, completion: 0, index: 1 },
  ]);
});
