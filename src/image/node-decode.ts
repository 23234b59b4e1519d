/** Decoding under Node, with sharp (a development dependency): `registerDecoder(nodeDecode)`. */
import type { ImageDecoder } from './decode.ts';

export const nodeDecode: ImageDecoder = async (bytes) => {
  const { default: sharp } = await import('sharp');
  const input = new Uint8Array(await bytes.arrayBuffer());
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
