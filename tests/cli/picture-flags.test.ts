/** Flags for the picture budget: over what the plan says, and refused with what may be given. */
import { expect, test } from 'vitest';
import type { PictureBudget } from '../../src/engine/protocol/words.ts';
import { pictureBudget, withPictures } from '../../src/cli/picture-flags.ts';

const NONE = { 'min-pixels': undefined, 'max-pixels': undefined, 'longest-edge': undefined, tiles: undefined };

test('without a flag the plan’s budget holds, or none', () => {
  expect(pictureBudget(NONE)).toBeNull();
  expect(pictureBudget(NONE, { maxPixels: 9408 })).toEqual({ maxPixels: 9408 });
  const recipe: { name: string; pictures?: PictureBudget } = { name: 'r', pictures: { maxPixels: 9408 } };
  expect(withPictures(recipe, NONE)).toEqual(recipe);
  const plain: typeof recipe = { name: 'r' };
  expect(withPictures(plain, NONE)).toEqual({ name: 'r' });
});

test('a flag goes before the plan, and leaves the rest of it', () => {
  const planned = { minPixels: 784, maxPixels: 9408 };
  expect(pictureBudget({ ...NONE, 'max-pixels': 3136 }, planned)).toEqual({ minPixels: 784, maxPixels: 3136 });
  expect(pictureBudget({ ...NONE, 'longest-edge': 512, tiles: 'off' })).toEqual({
    longestEdge: 512,
    imageSplitting: false,
  });
  expect(pictureBudget({ ...NONE, tiles: 'on' }, { longestEdge: 512 })).toEqual({
    longestEdge: 512,
    imageSplitting: true,
  });
});

test('what excludes each other, or is beyond any model, is refused', () => {
  expect(() => pictureBudget({ ...NONE, 'min-pixels': 9000, 'max-pixels': 8000 })).toThrow(/at least 9000 and at most/);
  expect(() => pictureBudget({ ...NONE, 'max-pixels': 2 ** 30 })).toThrow('--max-pixels is 1073741824');
  expect(() => pictureBudget({ ...NONE, 'longest-edge': 5000 })).toThrow('--longest-edge is 5000');
});
