/** Pictures of reports under Node: made smaller, and in a format that every page shows. */
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeShrink } from '../../src/cli/node-shrink.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { registerShrinker, shown, shrink } from '../../src/image/shrink.ts';
import { readImageHeader } from '../../src/image/size.ts';

beforeAll(() => {
  registerDecoder(nodeDecode);
  registerShrinker(nodeShrink);
});
afterAll(() => {
  registerDecoder(null);
  registerShrinker(null);
});

const picture = async (format: 'png' | 'tiff', width: number, height: number): Promise<Blob> => {
  const image = sharp({ create: { width, height, channels: 3, background: '#a04030' } });
  return new Blob([new Uint8Array(await image[format](format === 'tiff' ? { compression: 'lzw' } : {}).toBuffer())]);
};

test('a picture is made as high as asked for and keeps its proportions', async () => {
  const smaller = await shrink(await picture('png', 1000, 500), 128);
  expect(await readImageHeader(smaller)).toMatchObject({ format: 'webp', size: { width: 256, height: 128 } });
});

test('a picture that is smaller already is not made larger', async () => {
  const same = await shrink(await picture('png', 40, 20), 128);
  expect((await readImageHeader(same))?.size).toEqual({ width: 40, height: 20 });
});

test('a TIFF, which no page shows, becomes a picture that pages show, and others stay as they are', async () => {
  expect(await readImageHeader(await shown(await picture('tiff', 30, 20)))).toMatchObject({
    format: 'webp',
    size: { width: 30, height: 20 },
  });
  const png = await picture('png', 30, 20);
  expect(await shown(png)).toBe(png);
});

test('what cannot be decoded is handed on as it came', async () => {
  const broken = new Blob(['no picture']);
  expect(await shrink(broken, 128)).toBe(broken);
});
