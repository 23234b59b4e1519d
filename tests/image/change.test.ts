import { expect, test } from 'vitest';
import { changePixels } from '../../src/image/change.ts';

// 5 × 3 pixels, and what Pillow 11 makes of them with ImageEnhance's Brightness, Contrast and Color, one after the other.
const data = Uint8Array.from([
  168, 229, 184, 171, 238, 171, 20, 206, 245, 153, 204, 5, 37, 53, 213, 206, 192, 173, 6, 120, 63, 96, 236, 131, 118, 4,
  87, 161, 124, 71, 42, 73, 237, 16, 194, 250, 10, 103, 206, 13, 143, 2, 38, 71, 133,
]);
const image = { width: 5, height: 3, data };

test.each([
  [
    [1.15, 0.83, 1.2],
    [
      177, 238, 195, 180, 239, 180, 17, 230, 248, 166, 225, 0, 53, 71, 253, 222, 205, 184, 15, 145, 81, 100, 244, 139,
      149, 18, 114, 183, 141, 79, 56, 91, 255, 14, 218, 249, 18, 125, 242, 20, 170, 8, 54, 91, 162,
    ],
  ],
  [
    [0.8, 1.2, 0.85],
    [
      145, 195, 159, 148, 203, 148, 19, 168, 201, 128, 169, 21, 18, 31, 162, 174, 163, 148, 9, 89, 42, 83, 197, 111, 83,
      5, 57, 128, 98, 54, 24, 50, 183, 18, 158, 204, 9, 76, 159, 10, 108, 10, 19, 45, 97,
    ],
  ],
] as const)('brightness, contrast and saturation %j are those of Pillow to the bit', (colour, expected) => {
  expect([...changePixels(image, { colour }).data]).toEqual(expected);
});

test('a picture is cut, then mirrored', () => {
  const pixel = (x: number, y: number) => [...data.subarray((y * 5 + x) * 3, (y * 5 + x) * 3 + 3)];
  const changed = changePixels(image, { crop: [1, 1, 4, 3], flip: true });
  expect([changed.width, changed.height]).toEqual([3, 2]);
  expect([...changed.data]).toEqual(
    [3, 2, 1].flatMap((x) => pixel(x, 1)).concat([3, 2, 1].flatMap((x) => pixel(x, 2))),
  );
  expect(changePixels(image, {})).toBe(image);
});
