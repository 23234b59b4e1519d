/** Zip archives: entries unpacked one by one when asked for, and archives written as a stream. */
import { makeZip } from 'client-zip';
import { Inflate } from 'fflate';
import { GroundworkError } from '../base/error.ts';
import { blobSource, type Bytes, type ByteSource } from './byte-source.ts';
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
    'The archive is damaged. Download it again, or unpack it and drop the folder.',
    { cause },
  );

/** Unpacked bytes are handed over to the browser in pieces of this size, so that a large entry never fills the heap. */
const PIECE = 4 * 2 ** 20;

type Packed = Pick<DirectoryEntry, 'path' | 'method' | 'size' | 'compressedSize' | 'crc32' | 'headerOffset'>;

/** Unpacks, piece by piece, and checks: an archive cannot promise little and unpack to much. */
async function unpack(packed: Blob, entry: Packed, take: (piece: Bytes) => void): Promise<void> {
  let size = 0;
  let crc = 0;
  try {
    const bytes = packed.stream();
    const unpacked = entry.method === 'stored' ? bytes : bytes.pipeThrough(new DecompressionStream('deflate-raw'));
    const reader = (unpacked as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const chunk = next.value;
      size += chunk.length;
      if (size > entry.size) {
        await reader.cancel();
        throw damaged(entry.path, `it unpacks to more than the ${entry.size} bytes it declares.`);
      }
      crc = crc32(chunk, crc);
      take(chunk);
    }
  } catch (cause) {
    throw cause instanceof GroundworkError ? cause : damaged(entry.path, 'it cannot be unpacked.', cause);
  }
  if (size !== entry.size) throw damaged(entry.path, `it unpacks to ${size} bytes instead of ${entry.size}.`);
  if (crc !== entry.crc32) throw damaged(entry.path, 'its checksum is wrong.');
}

async function inflate(packed: Blob, entry: Packed): Promise<Blob> {
  const pieces: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let held = 0;
  const handOver = () => {
    pieces.push(new Blob(chunks));
    [chunks, held] = [[], 0];
  };
  await unpack(packed, entry, (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    if (held >= PIECE) handOver();
  });
  handOver();
  return new Blob(pieces);
}

/** The packed bytes of an entry, a slice of the archive. */
async function packedBytes(archive: Blob, entry: Packed): Promise<Blob> {
  const header = await blobSource(archive).read(entry.headerOffset, 30);
  const data = new DataView(header.buffer, header.byteOffset);
  if (data.getUint32(0, true) !== 0x04034b50) throw damaged(entry.path, 'its header is missing.');
  // The local header's name and extra field may differ in length from the directory's.
  const start = entry.headerOffset + 30 + data.getUint16(26, true) + data.getUint16(28, true);
  if (start + entry.compressedSize > archive.size) throw damaged(entry.path, 'its bytes lie outside the archive.');
  return archive.slice(start, start + entry.compressedSize);
}

/** An entry's content. Stored entries are slices of the archive, without a copy. Throws `zip-entry-damaged`. */
export async function readEntry(archive: Blob, entry: Packed): Promise<Blob> {
  const packed = await packedBytes(archive, entry);
  return entry.method === 'stored' ? packed : inflate(packed, entry);
}

/** Reads an entry to its end, piece by piece; stored ones are checked, too. Throws `zip-entry-damaged`. */
export const readEntryThrough = async (archive: Blob, entry: Packed, take: (piece: Bytes) => void): Promise<void> =>
  unpack(await packedBytes(archive, entry), entry, take);

/** Room for a local header's name and extra field, so that one read mostly brings header and content. */
const HEADER_ROOM = 30 + 256;

/** An entry's first bytes, at most `length`; what follows is neither read nor checked. Throws `zip-entry-damaged`. */
export async function readEntryHead(archive: ByteSource, entry: Packed, length: number): Promise<Bytes> {
  // Deflate never makes a block more than a few bytes longer, so as many packed bytes hold as many of content.
  const wanted = Math.min(entry.compressedSize, length + 64);
  const read = (size: number) =>
    archive.read(entry.headerOffset, Math.min(size, Math.max(0, archive.size - entry.headerOffset)));
  let bytes = await read(HEADER_ROOM + wanted);
  const data = new DataView(bytes.buffer, bytes.byteOffset);
  if (bytes.length < 30 || data.getUint32(0, true) !== 0x04034b50) throw damaged(entry.path, 'its header is missing.');
  const start = 30 + data.getUint16(26, true) + data.getUint16(28, true);
  if (start + wanted > bytes.length) bytes = await read(start + wanted);
  const packed = bytes.subarray(start, start + wanted);
  if (packed.length < wanted) throw damaged(entry.path, 'its bytes lie outside the archive.');
  if (entry.method === 'stored') return packed.subarray(0, length);
  const chunks: Uint8Array[] = [];
  try {
    new Inflate((chunk) => chunks.push(chunk)).push(packed, packed.length === entry.compressedSize);
  } catch (cause) {
    throw damaged(entry.path, 'it cannot be unpacked.', cause);
  }
  const head = new Uint8Array(
    Math.min(
      length,
      chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    ),
  );
  let at = 0;
  for (const chunk of chunks) {
    head.set(chunk.subarray(0, head.length - at), at);
    at = Math.min(head.length, at + chunk.length);
  }
  return head;
}

/** Opens an archive. Throws `zip-invalid` if it has no readable directory. */
export async function openZip(archive: Blob, label = 'archive'): Promise<ZipArchive> {
  const entries: ZipEntry[] = [];
  const refused: RefusedEntry[] = [];
  await readDirectory(
    blobSource(archive),
    (entry) => entries.push({ path: entry.path, size: entry.size, blob: () => readEntry(archive, entry) }),
    (entry) => refused.push(entry),
    label,
  );
  return { entries, refused };
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
