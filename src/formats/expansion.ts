/**
 * How far packed bytes may swell. Deflate makes up to a thousand bytes of one: half a megabyte can fill a memory. Rows
 * and pictures shrink to a twentieth at best; what swells a hundredfold is let through up to an amount that harms no one.
 */
import { GroundworkError } from '../base/error.ts';

export const MAX_EXPANSION = 100;
export const HARMLESS_BYTES = 64 * 2 ** 20;

export const swells = (packedBytes: number, bytes: number): boolean => bytes > MAX_EXPANSION * packedBytes;

const mib = (bytes: number): string => `${Math.max(1, Math.round(bytes / 2 ** 20))} MiB`;

export const swellingReason = (bytes: number): string =>
  `it swells more than ${MAX_EXPANSION}-fold when unpacked, to ${mib(bytes)} or more`;

export const SWELLING_FIX = 'If that is meant, unpack it yourself and drop the folder.';

const PIECE = 4 * 2 ** 20;

/** A gzip file's content. Throws `gzip-damaged`, `gzip-swells`. */
export async function gunzip(packed: Blob, label: string): Promise<Blob> {
  const limit = Math.max(HARMLESS_BYTES, MAX_EXPANSION * packed.size);
  const pieces: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let [size, held] = [0, 0];
  try {
    const stream = packed.stream().pipeThrough(new DecompressionStream('gzip'));
    const reader = (stream as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.length;
      if (size > limit) {
        await reader.cancel();
        throw new GroundworkError('gzip-swells', `${label}: ${swellingReason(size)}.`, SWELLING_FIX);
      }
      chunks.push(next.value);
      held += next.value.length;
      // Handed over in pieces, so that a large file never fills the heap.
      if (held < PIECE) continue;
      pieces.push(new Blob(chunks));
      [chunks, held] = [[], 0];
    }
  } catch (cause) {
    throw cause instanceof GroundworkError
      ? cause
      : new GroundworkError(
          'gzip-damaged',
          `${label}: it cannot be unpacked.`,
          'The file is damaged or no gzip: download it again.',
          { cause },
        );
  }
  return new Blob([...pieces, ...chunks]);
}
