/** Smaller pictures to be looked at, in a format that every page shows. The browser makes them; elsewhere a maker is registered. */
import { decodeImage } from './decode.ts';
import { readImageHeader } from './size.ts';

/** @param height of the smaller picture, pixels; Infinity: as it is */
export type Shrinker = (file: Blob, height: number) => Promise<Blob>;

let registered: Shrinker | null = null;

/** Shrink with this from now on (cli/node-shrink.ts); null: with the browser again. */
export function registerShrinker(shrinker: Shrinker | null): void {
  registered = shrinker;
}

const canDraw = (): boolean => typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function';

/** The file itself where it cannot be decoded, or nobody can shrink it. */
export async function shrink(file: Blob, height: number): Promise<Blob> {
  try {
    if (registered) return await registered(file, height);
    if (!canDraw()) return file;
    const source = (await readImageHeader(file))?.format === 'tiff' ? await pixelsOf(file) : file;
    const bitmap = await createImageBitmap(source, { resizeHeight: height, resizeQuality: 'medium' });
    return await encoded(bitmap, 'image/webp');
  } catch {
    return file; // who shows it says that it cannot be decoded
  }
}

/** A picture as a page can show it: of a TIFF, which no page shows, its pixels anew. The file itself where nobody can make them. */
export async function shown(file: Blob): Promise<Blob> {
  if ((!registered && !canDraw()) || (await readImageHeader(file))?.format !== 'tiff') return file;
  try {
    if (registered) return await registered(file, Infinity);
    return await encoded(await pixelsOf(file), 'image/png');
  } catch {
    return file; // the page then says that it cannot be decoded
  }
}

async function pixelsOf(file: Blob): Promise<ImageBitmap> {
  const { width, height, data } = await decodeImage(file);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  return createImageBitmap(new ImageData(rgba, width, height));
}

async function encoded(bitmap: ImageBitmap, type: 'image/png' | 'image/webp'): Promise<Blob> {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext('bitmaprenderer')!.transferFromImageBitmap(bitmap);
  return canvas.convertToBlob({ type, quality: 0.9 });
}
