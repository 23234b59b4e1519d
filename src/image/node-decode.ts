/**
 * Decoding under Node, with sharp and, for AVIF, libavif in WebAssembly (both development dependencies):
 * `registerDecoder(nodeDecode)`. The libheif inside sharp makes coarser colours of an AVIF than Pillow and browsers.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { turned, withoutAlpha, type ImageDecoder } from './decode.ts';
import type { RgbImage } from './rgb-image.ts';
import { readImageHeader } from './size.ts';

export const nodeDecode: ImageDecoder = async (bytes) => {
  const input = new Uint8Array(await bytes.arrayBuffer());
  const header = await readImageHeader(bytes);
  if (header?.format === 'avif') return turned(await decodeAvif(input), header.orientation);
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp(input, { failOn: 'error', ignoreIcc: true })
    .rotate() // by EXIF
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
};

let ready: Promise<(buffer: ArrayBuffer) => Promise<ImageData>> | null = null;

async function avifDecoder(): Promise<(buffer: ArrayBuffer) => Promise<ImageData>> {
  const { default: decode, init } = await import('@jsquash/avif/decode.js');
  const wasm = fileURLToPath(import.meta.resolve('@jsquash/avif/codec/dec/avif_dec.wasm'));
  await init(await WebAssembly.compile(new Uint8Array(await readFile(wasm))));
  return async (buffer) => {
    const image = await decode(buffer);
    if (!image) throw new Error('libavif gives no picture');
    return image;
  };
}

/** As stored, not turned. */
async function decodeAvif(bytes: Uint8Array<ArrayBuffer>): Promise<RgbImage> {
  ready ??= avifDecoder();
  const { data, width, height } = await (await ready)(bytes.buffer);
  return withoutAlpha(data, width, height);
}
