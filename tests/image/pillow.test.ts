/** GIFs and turned pictures, made by hand; files of every kind are in golden-pictures.test.ts. */
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage, registerDecoder, turned } from '../../src/image/decode.ts';
import { decodeGif } from '../../src/image/gif.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';

beforeAll(() => registerDecoder(nodeDecode));
afterAll(() => registerDecoder(null));

const COLOURS = [10, 20, 30, 200, 0, 0, 0, 200, 0, 0, 0, 200];

/** A GIF of four colours, 3 × 2, whose first frame lies at (left, top); every code but the clear codes is one pixel. */
function gif(
  pixels: readonly number[],
  { left = 0, top = 0, w = 3, h = 2, transparent = null as number | null, interlaced = false } = {},
): Uint8Array {
  const codes = pixels.flatMap((pixel) => [4, pixel]).concat(5);
  // Three bits each, the lowest first; a clear code before every pixel keeps the width.
  const bits = codes.flatMap((code) => [code & 1, (code >> 1) & 1, (code >> 2) & 1]);
  const packed = Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    bits.slice(8 * i, 8 * i + 8).reduce((byte, bit, k) => byte | (bit << k), 0),
  );
  return Uint8Array.from([
    ...Buffer.from('GIF89a'),
    3,
    0,
    2,
    0,
    0x81,
    0,
    0,
    ...COLOURS,
    ...(transparent === null ? [] : [0x21, 0xf9, 4, 1, 0, 0, transparent, 0]),
    0x2c,
    left,
    0,
    top,
    0,
    w,
    0,
    h,
    0,
    interlaced ? 0x40 : 0,
    2,
    packed.length,
    ...packed,
    0,
    0x3b,
  ]);
}
const painted = (indices: readonly number[]) =>
  Uint8Array.from(indices.flatMap((i) => COLOURS.slice(3 * i, 3 * i + 3)));

describe('a GIF', () => {
  test('keeps the colour of its transparent index', () =>
    expect(decodeGif(gif([0, 1, 2, 3, 1, 0], { transparent: 1 })).data).toEqual(painted([0, 1, 2, 3, 1, 0])));

  test('has the transparent colour, or else the first, outside its first frame', () => {
    const frame = { left: 1, top: 1, w: 2, h: 1 };
    expect(decodeGif(gif([2, 3], { ...frame, transparent: 1 })).data).toEqual(painted([1, 1, 1, 1, 2, 3]));
    expect(decodeGif(gif([2, 3], frame)).data).toEqual(painted([0, 0, 0, 0, 2, 3]));
  });

  test('of many colours and rows, interlaced or not, is what another decoder reads', async () => {
    const data = Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * i * 7) % 251);
    const bytes = await sharp(data, { raw: { width: 90, height: 70, channels: 3 } })
      .gif()
      .toBuffer();
    const theirs = await nodeDecode(new Blob([new Uint8Array(bytes)]));
    expect(Buffer.compare(decodeGif(bytes).data, theirs.data)).toBe(0);
    expect(await decodeImage(bytes)).toMatchObject({ width: 90, height: 70 });
  });

  test('of a few bytes that claim millions of pixels is refused before any is painted', () => {
    const [canvas, frame] = [gif([0, 1, 2, 3, 1, 0]), gif([0, 1, 2, 3, 1, 0])];
    canvas.set([255, 63, 255, 63], 6);
    frame.set([255, 63, 255, 63], 30);
    for (const claims of [canvas, frame]) expect(() => decodeGif(claims)).toThrow('could not be decoded');
  });

  test('that is cut off or damaged is refused', () => {
    const whole = gif([0, 1, 2, 3, 1, 0]);
    for (let length = 7; length < whole.length - 2; length++)
      expect(() => decodeGif(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'image-undecodable' }) as Error,
      );
  });
});

test.each([
  [1, 3, [0, 1, 2, 3, 4, 5]],
  [2, 3, [2, 1, 0, 5, 4, 3]],
  [3, 3, [5, 4, 3, 2, 1, 0]],
  [4, 3, [3, 4, 5, 0, 1, 2]],
  [5, 2, [0, 3, 1, 4, 2, 5]],
  [6, 2, [3, 0, 4, 1, 5, 2]],
  [7, 2, [5, 2, 4, 1, 3, 0]],
  [8, 2, [2, 5, 1, 4, 0, 3]],
])('orientation %i turns as exif_transpose does', (orientation, width, order) => {
  const image = { width: 3, height: 2, data: Uint8Array.from([0, 1, 2, 3, 4, 5].flatMap((v) => [v, v, v])) };
  const { data, ...size } = turned(image, orientation);
  expect(size).toEqual({ width, height: 6 / width });
  expect([...data].filter((_, i) => i % 3 === 0)).toEqual(order);
});
