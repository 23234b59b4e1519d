import { expect, test } from 'vitest';
import { type PairBox, scoreMcBench, type ScoredPairBox } from '../../src/evaluate/mcbench.ts';
import { box01 } from '../../src/grounding/box.ts';

const truth = (image: number, group: number, x: number): PairBox => ({ image, group, box: box01(x, 0, x + 0.1, 0.1) });
const found = (image: number, group: number, x: number, score = 1): ScoredPairBox => ({
  ...truth(image, group, x),
  score,
});

test('finding exactly the boxes is AP 1 and right in both images', () => {
  const scores = scoreMcBench([
    { solution: [truth(0, 1, 0)], predicted: [found(0, 1, 0)] },
    { solution: [], predicted: [] },
  ]);
  expect(scores).toEqual({ ap50: 1, imageAccuracy: 1 });
});

test('AP follows COCO’s 101 recall points', () => {
  // Ranked: hit, miss, hit; two boxes exist. Precision 1 up to recall .5 (51 points), 2/3 up to 1 (50 points).
  const { ap50 } = scoreMcBench([
    {
      solution: [truth(0, 1, 0), truth(0, 1, 0.5)],
      predicted: [found(0, 1, 0.5, 0.7), found(0, 1, 0.8, 0.8), found(0, 1, 0, 0.9)],
    },
  ]);
  expect(ap50).toBeCloseTo((51 + 50 * (2 / 3)) / 101, 12);
});

test('a second box on the same object is a miss', () => {
  // One object: precision 1 at every recall point, whatever comes after. Ranked before, the duplicate would not hurt either.
  expect(
    scoreMcBench([{ solution: [truth(0, 1, 0)], predicted: [found(0, 1, 0, 0.9), found(0, 1, 0, 0.8)] }]).ap50,
  ).toBe(1);
  const two = [truth(0, 1, 0), truth(1, 1, 0)];
  const predicted = [found(0, 1, 0, 0.9), found(0, 1, 0, 0.8), found(1, 1, 0, 0.7)];
  expect(scoreMcBench([{ solution: two, predicted }]).ap50).toBeCloseTo((51 + 50 * (2 / 3)) / 101, 12);
});

test('the names of groups do not matter, only that they are told apart, in every pair', () => {
  const solution = [truth(0, 1, 0), truth(1, 2, 0.5)];
  const swapped = { solution, predicted: [found(0, 2, 0), found(1, 1, 0.5)] };
  expect(scoreMcBench([swapped, swapped]).ap50).toBe(1);
  const merged = { solution, predicted: [found(0, 1, 0), found(1, 1, 0.5)] };
  expect(scoreMcBench([merged]).ap50).toBeLessThan(1);
});

test('groups weigh by their boxes', () => {
  const solution = [truth(0, 1, 0), truth(0, 1, 0.3), truth(1, 1, 0), truth(1, 2, 0.6)];
  expect(scoreMcBench([{ solution, predicted: solution.slice(0, 3).map((b) => ({ ...b, score: 1 })) }]).ap50).toBe(
    0.75,
  );
});

test('a pair is right when presence is right in both images, wherever the boxes are', () => {
  const present = { solution: [truth(0, 1, 0)], predicted: [found(0, 1, 0.8)] };
  const wrongImage = { solution: [truth(0, 1, 0)], predicted: [found(1, 1, 0)] };
  const absent = { solution: [], predicted: [found(0, 1, 0)] };
  expect(scoreMcBench([present, wrongImage, absent, { solution: [], predicted: [] }]).imageAccuracy).toBe(0.5);
});
