import fc from 'fast-check';
import { expect, test } from 'vitest';
import { box01, iou } from '../../src/grounding/box.ts';
import { centreInside, giou, groundedIou, matchHungarian } from '../../src/grounding/matching.ts';

const sum = (pairs: { score: number }[]) => pairs.reduce((total, { score }) => total + score, 0);

/** The best sum by trying every injection of rows into columns. */
function bestSum(scores: number[][], row = 0, used = 0): number {
  if (row === scores.length) return 0;
  return Math.max(
    ...scores[row]!.map((score, c) =>
      used & (1 << c) ? -Infinity : score + bestSum(scores, row + 1, used | (1 << c)),
    ),
  );
}

const matrix = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
  .chain(([r, c]) =>
    fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: c, maxLength: c }), { minLength: r, maxLength: r }),
  );

test('the Hungarian method finds the best pairing', () => {
  fc.assert(
    fc.property(matrix, (scores) => {
      const pairs = matchHungarian(scores);
      const [rows, columns] = [scores.length, scores[0]!.length];
      expect(pairs.length).toBe(Math.min(rows, columns));
      expect(new Set(pairs.map((p) => p.row)).size).toBe(pairs.length);
      expect(new Set(pairs.map((p) => p.column)).size).toBe(pairs.length);
      const flat = rows <= columns ? scores : scores[0]!.map((_, c) => scores.map((line) => line[c]!));
      expect(sum(pairs)).toBe(bestSum(flat));
    }),
  );
});

test('the best pair by itself may not be of the best pairing', () => {
  expect(
    sum(
      matchHungarian([
        [0.9, 0.8],
        [0.85, 0],
      ]),
    ),
  ).toBeCloseTo(1.65);
  expect(matchHungarian([])).toEqual([]);
});

const f = fc.double({ min: 0, max: 1, noNaN: true });
const box = fc
  .tuple(f, f, f, f)
  .map(([a, b, c, d]) => box01(Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)));

test('GIoU lies between −1 and IoU, is symmetric and 1 for equal boxes', () => {
  fc.assert(
    fc.property(box, box, (a, b) => {
      expect(giou(a, b)).toBeLessThanOrEqual(iou(a, b) + 1e-9);
      expect(giou(a, b)).toBeGreaterThanOrEqual(-1 - 1e-9);
      expect(giou(a, b)).toBeCloseTo(giou(b, a), 9);
    }),
  );
  expect(giou(box01(0, 0, 0.5, 0.5), box01(0, 0, 0.5, 0.5))).toBeCloseTo(1);
  expect(giou(box01(0, 0, 0.25, 1), box01(0.75, 0, 1, 1))).toBeCloseTo(-0.5);
});

test('the wrong picture counts nothing, unless the dataset itself does not know', () => {
  const b = box01(0, 0, 1, 1);
  expect(groundedIou({ image: 0, box: b }, { image: 1, box: b })).toBe(0);
  expect(groundedIou({ image: null, box: b }, { image: 0, box: b })).toBe(0);
  expect(groundedIou({ image: 0, box: b }, { image: 1, box: b, imageGuessed: true })).toBe(1);
  expect(centreInside(box01(0, 0, 0.2, 0.2), box01(0.05, 0.05, 1, 1))).toBe(true);
});
