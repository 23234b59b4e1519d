import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage, registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { readImageHeader } from '../../src/image/size.ts';

beforeAll(() => registerDecoder(nodeDecode));
afterAll(() => registerDecoder(null));

const blob = (bytes: Uint8Array) => new Blob([new Uint8Array(bytes)]);
const picture = (channels: 3 | 4 = 3) =>
  sharp({ create: { width: 13, height: 7, channels, background: { r: 200, g: 100, b: 50, alpha: 0.5 } } });

describe('size from the first bytes', () => {
  test.each([
    ['png', () => picture().png()],
    ['png', () => picture(4).png()],
    ['jpeg', () => picture().jpeg()],
    ['jpeg', () => picture().jpeg({ progressive: true })],
    ['webp', () => picture().webp()],
    ['webp', () => picture().webp({ lossless: true })],
    ['webp', () => picture(4).webp()],
    ['gif', () => picture().gif()],
  ] as const)('%s', async (format, make) => {
    const header = await readImageHeader(blob(await make().toBuffer()));
    expect(header).toMatchObject({ format, size: { width: 13, height: 7 }, orientation: 1 });
  });

  test('bmp, bottom-up and top-down', async () => {
    const bmp = new DataView(new ArrayBuffer(30));
    bmp.setUint16(0, 0x424d);
    bmp.setInt32(18, 13, true);
    for (const height of [7, -7]) {
      bmp.setInt32(22, height, true);
      expect(await readImageHeader(new Blob([bmp.buffer]))).toMatchObject({
        format: 'bmp',
        size: { width: 13, height: 7 },
      });
    }
  });

  test.each([3, 6, 8])('EXIF orientation %i, in the size and in the pixels', async (orientation) => {
    for (const bytes of [
      await picture().withMetadata({ orientation }).jpeg().toBuffer(),
      await picture().withMetadata({ orientation }).webp().toBuffer(),
    ]) {
      const header = await readImageHeader(blob(bytes));
      const size = orientation >= 5 ? { width: 7, height: 13 } : { width: 13, height: 7 };
      expect(header).toMatchObject({ size, orientation });
      expect(await decodeImage(bytes)).toMatchObject(size);
    }
  });

  test('alpha is seen', async () => {
    expect((await readImageHeader(blob(await picture(4).png().toBuffer())))?.hasAlpha).toBe(true);
    expect((await readImageHeader(blob(await picture(3).png().toBuffer())))?.hasAlpha).toBe(false);
    expect((await readImageHeader(blob(await picture(4).webp().toBuffer())))?.hasAlpha).toBe(true);
  });

  test('no bytes make it throw', async () => {
    const seeds = await Promise.all([
      picture().png().toBuffer(),
      picture().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      picture(4).webp().toBuffer(),
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }),
        fc.nat(200),
        async (seed, edits, cut) => {
          const bytes = new Uint8Array(seed.subarray(0, cut));
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          const header = await readImageHeader(blob(bytes));
          expect(header === null || header.size.width > 0).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('transparency is dropped, not blended', async () => {
  const image = await decodeImage(await picture(4).png().toBuffer());
  expect([image.width, image.height, ...image.data.slice(0, 3)]).toEqual([13, 7, 200, 100, 50]);
});

test('grey pictures become three channels', async () => {
  const image = await decodeImage(
    await sharp(Buffer.from([0, 128, 255, 7]), { raw: { width: 2, height: 2, channels: 1 } })
      .png()
      .toBuffer(),
  );
  expect([...image.data]).toEqual([0, 0, 0, 128, 128, 128, 255, 255, 255, 7, 7, 7]);
});

test('what is no picture gets an error with a code', async () => {
  await expect(decodeImage(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'image-undecodable' });
  registerDecoder(null);
  await expect(decodeImage(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'no-image-decoder' });
  registerDecoder(nodeDecode);
});

describe('files that are not as they were', () => {
  test('one that was changed since it was opened cannot be read any more, and is not called damaged', async () => {
    const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
    const { openAsBlob } = await import('node:fs');
    const folder = await mkdtemp(join(tmpdir(), 'groundwork-gone-'));
    try {
      const path = join(folder, 'a.png');
      await writeFile(path, await picture().png().toBuffer());
      const file = await openAsBlob(path);
      expect(await decodeImage(file)).toMatchObject({ width: 13, height: 7 });
      await writeFile(path, await picture(4).png().toBuffer());
      await expect(decodeImage(file)).rejects.toMatchObject({
        code: 'file-unreadable',
        message: 'A picture cannot be read any more.',
      });
      await rm(path);
      await expect(decodeImage(file)).rejects.toMatchObject({ code: 'file-unreadable' });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('one that claims more pixels than anyone decodes is refused by its header', async () => {
    const bytes = await picture().png().toBuffer();
    bytes.writeUInt32BE(60_000, 16);
    bytes.writeUInt32BE(60_000, 20);
    await expect(decodeImage(blob(bytes))).rejects.toMatchObject({
      code: 'image-undecodable',
      message: 'A picture has 60,000 × 60,000 pixels, more than can be decoded.',
    });
  });

  test('garbage behind a good header is no picture', async () => {
    const bytes = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    for (let i = bytes.length >> 1; i < bytes.length - 2; i++) bytes[i] = (i * 167 + 13) & 0x7f;
    bytes.fill(0xff, 200, 260);
    await expect(decodeImage(blob(bytes))).rejects.toMatchObject({ code: 'image-undecodable' });
  });
});

test.each([true, false])(
  '16 bits of grey in a TIFF are cut off at 255, as Pillow does (least byte first: %s)',
  async (little) => {
    const values = [0, 1, 254, 255, 256, 65_535];
    const tags: [tag: number, value: number][] = [
      [256, values.length],
      [257, 1],
      [258, 16],
      [259, 1],
      [262, 1],
      [273, 8],
      [277, 1],
      [278, 1],
      [279, 2 * values.length],
    ];
    const at = 8 + 2 * values.length;
    const view = new DataView(new ArrayBuffer(at + 2 + 12 * tags.length + 4));
    view.setUint16(0, little ? 0x4949 : 0x4d4d);
    view.setUint16(2, 42, little);
    view.setUint32(4, at, little);
    values.forEach((value, i) => view.setUint16(8 + 2 * i, value, little));
    view.setUint16(at, tags.length, little);
    tags.forEach(([tag, value], i) => {
      const entry = at + 2 + 12 * i;
      view.setUint16(entry, tag, little);
      view.setUint16(entry + 2, 4, little);
      view.setUint32(entry + 4, 1, little);
      view.setUint32(entry + 8, value, little);
    });
    const { data } = await decodeImage(blob(new Uint8Array(view.buffer)));
    expect([...data].filter((_, i) => i % 3 === 0)).toEqual([0, 1, 254, 255, 255, 255]);
  },
);
