/** Zip archives: entries unpacked one by one when asked for, and archives written as a stream. */
import { makeZip } from 'client-zip';
import { GroundworkError } from '../base/error.ts';
import { blobSource } from './byte-source.ts';
import { crc32 } from './crc32.ts';
import { readDirectory, type DirectoryEntry, type RefusedEntry } from './zip-directory.ts';

/** A file inside an archive. Nothing is read before `blob()`. */
export interface ZipEntry {
  readonly path: string;
  /** Unpacked, bytes. */
  readonly size: number;
  /** The content. Stored entries are slices of the archive, without a copy. Throws `zip-entry-damaged`. */
  blob(): Promise<Blob>;
}

export interface ZipArchive {
  readonly entries: readonly ZipEntry[];
  /** Entries that are not offered, and why: unsafe paths, encryption, exotic compression. */
  readonly refused: readonly RefusedEntry[];
}

const damaged = (path: string, what: string, cause?: unknown) =>
  new GroundworkError(
    'zip-entry-damaged',
    `${path}: ${what}`,
    'The archive is damaged: download it again, or unpack it and drop the folder.',
    { cause },
  );

/** Unpacks, holding at most the declared size: an archive cannot promise little and unpack to much. */
async function inflate(packed: Blob, entry: DirectoryEntry): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let crc = 0;
  try {
    const reader = packed.stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const chunk = next.value as Uint8Array<ArrayBuffer>;
      size += chunk.length;
      if (size > entry.size) {
        await reader.cancel();
        throw damaged(entry.path, `it unpacks to more than the ${entry.size} bytes it declares.`);
      }
      crc = crc32(chunk, crc);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof GroundworkError ? cause : damaged(entry.path, 'it cannot be unpacked.', cause);
  }
  if (size !== entry.size) throw damaged(entry.path, `it unpacks to ${size} bytes instead of ${entry.size}.`);
  if (crc !== entry.crc32) throw damaged(entry.path, 'its checksum is wrong.');
  return new Blob(chunks);
}

async function readEntry(archive: Blob, entry: DirectoryEntry): Promise<Blob> {
  const header = await blobSource(archive).read(entry.headerOffset, 30);
  const data = new DataView(header.buffer, header.byteOffset);
  if (data.getUint32(0, true) !== 0x04034b50) throw damaged(entry.path, 'its header is missing.');
  // The local header's name and extra field may differ in length from the directory's.
  const start = entry.headerOffset + 30 + data.getUint16(26, true) + data.getUint16(28, true);
  if (start + entry.compressedSize > archive.size) throw damaged(entry.path, 'its bytes lie outside the archive.');
  const packed = archive.slice(start, start + entry.compressedSize);
  return entry.method === 'stored' ? packed : inflate(packed, entry);
}

/** Opens an archive. Throws `zip-invalid` if it has no readable directory. */
export async function openZip(archive: Blob, label = 'archive'): Promise<ZipArchive> {
  const { entries, refused } = await readDirectory(blobSource(archive), label);
  return {
    entries: entries.map((entry) => ({ path: entry.path, size: entry.size, blob: () => readEntry(archive, entry) })),
    refused,
  };
}

/** Whether the bytes begin as a zip does: a local header, or the end record of an empty one. */
export async function looksLikeZip(file: Blob): Promise<boolean> {
  if (file.size < 22) return false;
  const b = await blobSource(file).read(0, 4);
  return b[0] === 0x50 && b[1] === 0x4b && ((b[2] === 3 && b[3] === 4) || (b[2] === 5 && b[3] === 6));
}

export interface FileToZip {
  readonly path: string;
  readonly data: Blob | Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * An archive as a stream, uncompressed (weights do not shrink). Files are taken one after another, so a generator
 * may produce them late. All get the same date, so that equal content gives equal bytes.
 */
export function writeZip(
  files: Iterable<FileToZip> | AsyncIterable<FileToZip>,
  lastModified = new Date(Date.UTC(2020, 0, 1)),
): ReadableStream<Uint8Array> {
  async function* inputs() {
    for await (const { path, data } of files)
      yield { name: path, lastModified, input: data as ReadableStream<Uint8Array> };
  }
  return makeZip(inputs(), { buffersAreUTF8: true });
}
