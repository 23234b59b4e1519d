/** Smaller pictures under Node, with sharp: `registerShrinker(nodeShrink)`. */
import { decodeImage } from '../image/decode.ts';
import type { Shrinker } from '../image/shrink.ts';

export const nodeShrink: Shrinker = async (file, height) => {
  const { default: sharp } = await import('sharp');
  const { data, width, height: full } = await decodeImage(file);
  const picture = sharp(data, { raw: { width, height: full, channels: 3 } });
  const smaller = full > height ? picture.resize({ height }) : picture;
  const bytes = await smaller.webp({ quality: 85 }).toBuffer();
  return new Blob([new Uint8Array(bytes)], { type: 'image/webp' });
};
