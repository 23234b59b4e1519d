/** Pictures no larger than they are shown, made when they come into sight. Without a browser the picture itself. */
import { Lru } from '../../base/lru.ts';
import type { Dataset } from '../../data/dataset.ts';
import { decodeImage } from '../../image/decode.ts';
import { readImageHeader } from '../../image/size.ts';
import type { Thumbnail } from '../protocol/dataset.ts';

/** Bytes of thumbnails that are kept. */
const KEPT_BYTES = 32 * 2 ** 20;
/** A picture hardly larger than it is shown is not worth another encoding. */
const WORTH = 1.5;
/** Heights are rounded up to these, so that a few pixels of layout do not make another picture. */
const HEIGHTS = [128, 256, 512, 1024, 2048];

export class Thumbnails {
  readonly #kept = new Lru<string, Thumbnail>(KEPT_BYTES, ({ blob }) => blob.size);

  clear(): void {
    this.#kept.clear();
  }

  async make(id: string, dataset: Dataset, path: string, height: number): Promise<Thumbnail> {
    const target = HEIGHTS.find((h) => h >= height) ?? HEIGHTS.at(-1)!;
    const key = `${id}\n${path}\n${target}`;
    const known = this.#kept.get(key);
    if (known) return known;
    const [file, natural] = [await dataset.image(path), await dataset.naturalSize(path)];
    if (!natural) return { blob: file, natural: { width: 0, height: 0 } };
    const blob = natural.height > target * WORTH ? await shrink(file, target) : await shown(file);
    const thumbnail = { blob, natural };
    // What is a slice of the user's file costs nothing to keep, but says its full size: left out.
    if (blob !== file) this.#kept.set(key, thumbnail);
    return thumbnail;
  }
}

const canDraw = (): boolean => typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function';

/** A picture as a page can show it: of a TIFF, which no page shows, its pixels as PNG. Without a browser the file itself. */
export async function shown(file: Blob): Promise<Blob> {
  if (!canDraw() || (await readImageHeader(file))?.format !== 'tiff') return file;
  try {
    return await encoded(await pixelsOf(file), 'image/png');
  } catch {
    return file; // the page then says that it cannot be decoded
  }
}

async function shrink(file: Blob, height: number): Promise<Blob> {
  if (!canDraw()) return file;
  try {
    const source = (await readImageHeader(file))?.format === 'tiff' ? await pixelsOf(file) : file;
    const bitmap = await createImageBitmap(source, { resizeHeight: height, resizeQuality: 'medium' });
    return await encoded(bitmap, 'image/webp');
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
