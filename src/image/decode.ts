/**
 * Picture files → pixels, as Pillow's `Image.open(…).convert('RGB')` with the EXIF orientation applied would give
 * them: colour profiles ignored, transparency dropped rather than blended. The browser decodes in a worker; elsewhere
 * a decoder is registered (image/node-decode.ts).
 */
import { GroundworkError } from '../base/error.ts';
import { decodeGif } from './gif.ts';
import type { RgbImage } from './rgb-image.ts';
import { isCmyk, readImageHeader } from './size.ts';

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

interface WebCodecsDecoder {
  decode(): Promise<{ readonly image: VideoFrame }>;
  close(): void;
}
type WebCodecsConstructor = new (init: Record<string, unknown>) => WebCodecsDecoder;

/**
 * A canvas multiplies colours by alpha and cannot give them back, so pictures with alpha go through WebCodecs where
 * the browser has it; null where it has not.
 */
async function decodeUnmultiplied(bytes: Blob, type: string): Promise<RgbImage | null> {
  const Decoder = (globalThis as unknown as { ImageDecoder?: WebCodecsConstructor }).ImageDecoder;
  if (!Decoder) return null;
  const decoder = new Decoder({
    data: await bytes.arrayBuffer(),
    type,
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none',
  });
  try {
    const { image } = await decoder.decode();
    try {
      const { codedWidth, codedHeight } = image;
      const rgba = new Uint8Array(codedWidth * codedHeight * 4);
      await image.copyTo(rgba, { format: 'RGBA', colorSpace: 'srgb' } as VideoFrameCopyToOptions);
      return withoutAlpha(rgba, codedWidth, codedHeight);
    } finally {
      image.close();
    }
  } catch {
    return null; // the canvas below is then right except where the picture is transparent
  } finally {
    decoder.close();
  }
}

/** Decodes with the browser's own decoders; also in a worker. */
export async function browserDecode(bytes: Blob): Promise<RgbImage> {
  const header = await readImageHeader(bytes);
  // Not every browser turns a WebP by its EXIF: what WebCodecs gives lies as stored, and is turned here.
  if (header?.hasAlpha || (header?.format === 'webp' && header.orientation !== 1)) {
    const exact = await decodeUnmultiplied(bytes, `image/${header.format}`);
    if (exact) return turned(exact, header.orientation);
  }
  const bitmap = await createImageBitmap(bytes, {
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none',
    imageOrientation: 'from-image',
  });
  try {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d', { willReadFrequently: true, alpha: header?.hasAlpha ?? true });
    if (!context)
      throw new GroundworkError(
        'canvas-unavailable',
        'The browser provided no canvas to decode pictures with.',
        'Close other tabs and try again.',
      );
    context.drawImage(bitmap, 0, 0);
    return withoutAlpha(context.getImageData(0, 0, bitmap.width, bitmap.height).data, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** Throws `image-undecodable` if the bytes are no picture, `no-image-decoder` where none is registered. */
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
    // The same everywhere, with the colours of what is transparent.
    if ((await readImageHeader(file))?.format === 'gif') return decodeGif(new Uint8Array(await file.arrayBuffer()));
    if (await isCmyk(file))
      throw new GroundworkError(
        'image-undecodable',
        'A picture is a JPEG in CMYK, the four colours of printing, which is not read.',
        'Convert it to RGB.',
      );
    return await decoder(file);
  } catch (cause) {
    if (cause instanceof GroundworkError) throw cause;
    throw new GroundworkError(
      'image-undecodable',
      'A picture could not be decoded.',
      'The file is damaged, or it is not a picture. Replace it.',
      { cause },
    );
  }
}
