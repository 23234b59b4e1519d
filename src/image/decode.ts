/**
 * Picture files → pixels, as Pillow's `Image.open(…).convert('RGB')` with the EXIF orientation applied would give
 * them: colour profiles ignored, transparency dropped rather than blended. The browser decodes in a worker; elsewhere
 * a decoder is registered (image/node-decode.ts).
 */
import { GroundworkError } from '../base/error.ts';
import { FILE_GONE, isGone } from '../base/file-gone.ts';
import { decodeBmp } from './bmp.ts';
import { decodeGif } from './gif.ts';
import { decodeCmykJpeg } from './jpeg.ts';
import { opaqueAvif, opaqueWebp } from './opaque.ts';
import { decodePng } from './png.ts';
import type { RgbImage } from './rgb-image.ts';
import { readImageHeader, sizeComplaint, type ImageHeader } from './size.ts';
import { decodeTiff } from './tiff.ts';
import { decodeLosslessWebp } from './webp-lossless.ts';

export type ImageDecoder = (bytes: Blob) => Promise<RgbImage>;

let registered: ImageDecoder | null = null;

/** Decode with this from now on; null: with the browser again. */
export function registerDecoder(decoder: ImageDecoder | null): void {
  registered = decoder;
}

/** RGBA → RGB, dropping alpha. */
export function withoutAlpha(rgba: ArrayLike<number>, width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; o < data.length; i += 4) {
    data[o++] = rgba[i]!;
    data[o++] = rgba[i + 1]!;
    data[o++] = rgba[i + 2]!;
  }
  return { width, height, data };
}

/** As shown, by the EXIF orientation 1 … 8 (what Pillow's exif_transpose does). */
export function turned(image: RgbImage, orientation: number): RgbImage {
  if (orientation === 1) return image;
  const { width: w, height: h, data } = image;
  const swapped = orientation >= 5;
  const [width, height] = swapped ? [h, w] : [w, h];
  const out = new Uint8Array(data.length);
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = swapped ? [y, x] : [x, y];
      const from = ((flipY ? h - 1 - v : v) * w + (flipX ? w - 1 - u : u)) * 3;
      out.set(data.subarray(from, from + 3), (y * width + x) * 3);
    }
  return { width, height, data: out };
}

/** Our own decoders, for what those of browsers and of libvips give otherwise than Pillow, or not at all. */
const OURS: Readonly<Partial<Record<ImageHeader['format'], (bytes: Uint8Array) => RgbImage>>> = {
  png: decodePng,
  jpeg: decodeCmykJpeg,
  gif: decodeGif,
  bmp: decodeBmp,
  tiff: decodeTiff,
};

/** Decodes with the browser's own decoders; also in a worker. */
export async function browserDecode(bytes: Blob): Promise<RgbImage> {
  const header = await readImageHeader(bytes);
  const whole = async () => new Uint8Array(await bytes.arrayBuffer());
  // Not every browser turns a WebP by its EXIF: without it, it lies as stored, and is turned here.
  if (header?.format === 'webp' && (header.hasAlpha || header.orientation !== 1)) {
    const plain = opaqueWebp(await whole());
    if (plain)
      return turned(
        plain.lossless ? decodeLosslessWebp(plain.data) : await onCanvas(new Blob([plain.data])),
        header.orientation,
      );
  }
  if (header?.format === 'avif' && header.hasAlpha) return onCanvas(new Blob([opaqueAvif(await whole())]));
  return onCanvas(bytes);
}

/** Pixels that are read off a canvas at once. */
const STRIP_PIXELS = 2 ** 22;

async function onCanvas(bytes: Blob): Promise<RgbImage> {
  const bitmap = await createImageBitmap(bytes, {
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none',
    imageOrientation: 'from-image',
  });
  try {
    const { width, height } = bitmap;
    const rows = Math.max(1, Math.min(height, Math.floor(STRIP_PIXELS / width)));
    const canvas = new OffscreenCanvas(width, rows);
    const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
    if (!context)
      throw new GroundworkError(
        'canvas-unavailable',
        'The browser provided no canvas to decode pictures with.',
        'Close other tabs and try again.',
      );
    // In strips: a canvas of the whole, and its pixels again, would take as much memory twice over.
    const data = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y += rows) {
      const count = Math.min(rows, height - y);
      context.drawImage(bitmap, 0, -y);
      data.set(withoutAlpha(context.getImageData(0, 0, width, count).data, width, count).data, y * width * 3);
    }
    return { width, height, data };
  } finally {
    bitmap.close();
  }
}

/** Throws `image-undecodable` if the bytes are no picture, `file-unreadable` if they cannot be read any more, `no-image-decoder` where none is registered. */
export async function decodeImage(bytes: Blob | Uint8Array): Promise<RgbImage> {
  const decoder =
    registered ??
    (typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function' ? browserDecode : null);
  if (!decoder)
    throw new GroundworkError(
      'no-image-decoder',
      'No picture decoder is registered.',
      'Under Node, call registerDecoder(nodeDecode) first.',
    );
  try {
    const file = bytes instanceof Blob ? bytes : new Blob([bytes as Uint8Array<ArrayBuffer>]);
    const header = await readImageHeader(file);
    const large = header && sizeComplaint(header.size);
    if (large && !large.usable) throw new GroundworkError('image-undecodable', `A picture ${large.reason}.`, large.fix);
    const ours = header?.ours ? OURS[header.format] : undefined;
    if (header && ours) return turned(ours(new Uint8Array(await file.arrayBuffer())), header.orientation);
    return await decoder(file);
  } catch (cause) {
    if (cause instanceof GroundworkError) throw cause;
    if (isGone(cause))
      throw new GroundworkError(FILE_GONE.code, 'A picture cannot be read any more.', FILE_GONE.hint, { cause });
    throw new GroundworkError(
      'image-undecodable',
      'A picture could not be decoded.',
      'The file is damaged, or it is not a picture. Replace it.',
      { cause },
    );
  }
}
