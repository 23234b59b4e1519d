/** Bytes that need not be in memory: read at any place, from a blob, a file or an array. */
import { GroundworkError } from '../base/error.ts';
import { Lru } from '../base/lru.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

/** Random access to bytes that need not be in memory: a Blob, a File, an OPFS handle, a file descriptor. */
export interface ByteSource {
  readonly size: number;
  /** Exactly `length` bytes from `offset`. Throws `file-truncated` if the source ends before. */
  read(offset: number, length: number): Promise<Bytes>;
}

function requireInside(size: number, offset: number, length: number): void {
  if (
    !(
      Number.isSafeInteger(offset) &&
      Number.isSafeInteger(length) &&
      offset >= 0 &&
      length >= 0 &&
      offset + length <= size
    )
  )
    throw new GroundworkError(
      'file-truncated',
      `Bytes ${offset}–${offset + length} were requested, but the file has only ${size} bytes.`,
      'The file is incomplete: download or copy it again.',
    );
}

/** A Blob or File; nothing is read before it is asked for. Throws `file-unreadable` if the disk refuses. */
export const blobSource = (blob: Blob): ByteSource => ({
  size: blob.size,
  read: async (offset, length) => {
    requireInside(blob.size, offset, length);
    try {
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    } catch (cause) {
      throw new GroundworkError(
        'file-unreadable',
        'The file cannot be read any more.',
        'It was changed, moved or deleted since you chose it, or its disk is gone. Put it back, or choose it again.',
        { cause },
      );
    }
  },
});

/** A source for many small reads close to each other: read in aligned blocks, of which the last `kept` are held. */
export function blockwise(source: ByteSource, block = 2 ** 18, kept = 32): ByteSource {
  const blocks = new Lru<number, Promise<Bytes>>(kept);
  const at = (i: number): Promise<Bytes> => {
    let bytes = blocks.get(i);
    if (!bytes) {
      bytes = source.read(i * block, Math.min(block, source.size - i * block));
      bytes.catch(() => blocks.delete(i)); // the next read tries again
      blocks.set(i, bytes);
    }
    return bytes;
  };
  return {
    size: source.size,
    async read(offset, length) {
      requireInside(source.size, offset, length);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const i = Math.floor((offset + done) / block);
        const from = offset + done - i * block;
        const piece = (await at(i)).subarray(from, from + length - done);
        bytes.set(piece, done);
        done += piece.length;
      }
      return bytes;
    },
  };
}
