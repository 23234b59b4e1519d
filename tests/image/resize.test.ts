import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openSafetensors } from '../../src/formats/safetensors.ts';
import { resize } from '../../src/image/resize.ts';
import type { RgbImage } from '../../src/image/rgb-image.ts';
import { smartResize } from '../../src/image/smart-resize.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const golden = (name: string) => readFileSync(join(import.meta.dirname, '../golden', name));

describe('smart resize', () => {
  const limits = { factor: 28, minPixels: 3136, maxPixels: 1_003_520 };

  test.each([
    [
      { width: 640, height: 480 },
      { width: 644, height: 476 },
    ],
    [
      { width: 512, height: 512 },
      { width: 504, height: 504 },
    ],
    [
      { width: 70, height: 70 },
      { width: 56, height: 56 },
    ], // 2.5 rounds to 2
    [
      { width: 98, height: 98 },
      { width: 112, height: 112 },
    ], // 3.5 rounds to 4
    [
      { width: 10, height: 10 },
      { width: 56, height: 56 },
    ],
    [
      { width: 4000, height: 3000 },
      { width: 1148, height: 840 },
    ],
  ])('%o → %o', (size, expected) => {
    expect(smartResize(size, limits)).toEqual(expected);
  });

  test.each(['smart-resize.json', 'smart-resize-qwen3.json'])(
    'agrees with transformers, refusals included: %s',
    (file) => {
      const { rows } = JSON.parse(golden(file).toString()) as {
        rows: [number, number, number, number, number, [number, number] | null][];
      };
      for (const [height, width, factor, minPixels, maxPixels, expected] of rows) {
        const ours = () => smartResize({ width, height }, { factor, minPixels, maxPixels });
        if (expected) expect(ours(), `${height} × ${width}`).toEqual({ height: expected[0], width: expected[1] });
        else expect(ours).toThrow('too narrow');
      }
      expect(rows.length).toBeGreaterThan(100);
    },
  );

  test('sides are multiples of the factor and the area is within the limits', () => {
    const side = fc.integer({ min: 20, max: 3000 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const s = smartResize({ width, height }, limits);
        expect([s.width % 28, s.height % 28]).toEqual([0, 0]);
        expect(s.width * s.height).toBeLessThanOrEqual(limits.maxPixels);
        expect(s.width * s.height).toBeGreaterThanOrEqual(limits.minPixels);
        expect(smartResize(s, limits)).toEqual(s);
      }),
    );
  });

  test('a picture 200 times as long as wide is the last one taken', () => {
    expect(smartResize({ width: 2000, height: 10 }, limits).width).toBeGreaterThan(0);
    expect(() => smartResize({ width: 2001, height: 10 }, limits)).toThrow('too narrow');
    expect(() => smartResize({ width: 0, height: 10 }, limits)).toThrow('empty');
  });
});

describe('agrees with Pillow in every byte', () => {
  const { cases } = JSON.parse(golden('resize/resize.json').toString()) as {
    cases: { name: string; from: [number, number]; to: [number, number] }[];
  };
  test.each(cases)('$name: $from → $to', async ({ name, from, to }) => {
    const tensors = await openSafetensors(bytesSource(golden('resize/resize.safetensors')));
    const image = { width: from[0], height: from[1], data: await tensors.read(`${name}.input`) };
    expect(resize(image, { width: to[0], height: to[1] }).data).toEqual(await tensors.read(`${name}.output`));
  });
});

describe('resize', () => {
  const picture = fc
    .tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 }))
    .chain(([width, height]) =>
      fc
        .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
        .map((data) => ({ width, height, data })),
    );
  const side = fc.integer({ min: 1, max: 40 });
  const filter = fc.constantFrom('bilinear', 'bicubic', 'lanczos');

  test('one colour stays that colour', () => {
    fc.assert(
      fc.property(fc.tuple(side, side, side, side), fc.nat(255), filter, ([w, h, W, H], c, f) => {
        const out = resize(
          { width: w, height: h, data: new Uint8Array(w * h * 3).fill(c) },
          { width: W, height: H },
          f,
        );
        expect(new Set(out.data)).toEqual(new Set([c]));
      }),
    );
  });

  test('the same size is a copy', () => {
    fc.assert(
      fc.property(picture, (image) => {
        const out = resize(image, image);
        expect(out.data).toEqual(image.data);
        expect(out.data).not.toBe(image.data);
      }),
      { numRuns: 10 },
    );
  });

  test('mirroring and transposing commute with it, to one grey level', () => {
    fc.assert(
      fc.property(picture, side, side, filter, (image, width, height, f) => {
        const pixel = (im: RgbImage, x: number, y: number) => im.data[(y * im.width + x) * 3]!;
        const mirrored = { ...image, data: new Uint8Array(image.data.length) };
        for (let y = 0; y < image.height; y++)
          for (let x = 0; x < image.width; x++)
            mirrored.data[(y * image.width + x) * 3] = pixel(image, image.width - 1 - x, y);
        const [a, b] = [resize(image, { width, height }, f), resize(mirrored, { width, height }, f)];
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            expect(Math.abs(pixel(a, x, y) - pixel(b, width - 1 - x, y))).toBeLessThanOrEqual(1);
      }),
      { numRuns: 15 },
    );
  });
});
