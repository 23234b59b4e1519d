/** Pictures that are one picture, scaled or packed again, look alike; other pictures do not. */
import { expect, test } from 'vitest';
import sharp, { type Sharp } from 'sharp';
import { Random } from '../../src/base/random.ts';
import { lookOf, looksAlike } from '../../src/image/look.ts';
import type { RgbImage } from '../../src/image/rgb-image.ts';

/** A made picture: soft hills of light and some boxes, by a seed. */
function scene(seed: number, width = 160, height = 120): RgbImage {
  const random = new Random(seed);
  const waves = Array.from({ length: 4 }, () => [random.uniform() * 6, random.uniform() * 6, random.uniform() * 6]);
  const boxes = Array.from({ length: 5 }, () => [random.uniform(), random.uniform(), 0.1 + 0.2 * random.uniform()]);
  const tones = boxes.map(() => random.below(256));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / width, y / height];
      let light = 128 + 24 * waves.reduce((sum, [a, b, c]) => sum + Math.sin(a! * u + b! * v + c!), 0);
      boxes.forEach(([left, top, side], i) => {
        if (u > left! && u < left! + side! && v > top! && v < top! + side!) light = tones[i]!;
      });
      data.fill(Math.max(0, Math.min(255, light)), 3 * (y * width + x), 3 * (y * width + x) + 3);
    }
  return { width, height, data };
}

async function through(image: RgbImage, work: (s: Sharp) => Sharp): Promise<RgbImage> {
  const { width, height } = image;
  const file = await work(sharp(image.data, { raw: { width, height, channels: 3 } })).toBuffer();
  const { data, info } = await sharp(file)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

const alike = (a: RgbImage, b: RgbImage) => looksAlike(lookOf(a)!, lookOf(b)!);

test('a picture looks like itself, scaled, packed as JPEG, or made lighter', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const original = scene(seed);
    expect(alike(original, original)).toBe(true);
    expect(alike(original, await through(original, (s) => s.jpeg({ quality: 60 }))), `${seed} as JPEG`).toBe(true);
    expect(alike(original, await through(original, (s) => s.resize(96, 72).png())), `${seed} smaller`).toBe(true);
    expect(alike(original, await through(original, (s) => s.resize(400, 300).jpeg())), `${seed} larger`).toBe(true);
    expect(alike(original, await through(original, (s) => s.linear(0.9, 15).png())), `${seed} lighter`).toBe(true);
  }
});

test('of two hundred other pictures none looks like another', () => {
  const looks = Array.from({ length: 200 }, (_, i) => lookOf(scene(1000 + i))!);
  let pairs = 0;
  looks.forEach((a, i) => looks.slice(i + 1).forEach((b) => (pairs += Number(looksAlike(a, b)))));
  expect(pairs).toBe(0);
});

test('a picture of one tone has no look, and the smallest pictures have one or none', () => {
  expect(lookOf({ width: 40, height: 30, data: new Uint8Array(3600).fill(90) })).toBeNull();
  expect(lookOf({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) })).toBeNull();
  expect(lookOf({ width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 255, 255, 255) })).not.toBeNull();
});
