/**
 * A zip's central directory (PKWARE APPNOTE 6.3.9, §4.3–4.5), zip64 included, read by random access. What is unsafe
 * or unreadable is refused by name; the rest of the archive stays usable.
 */
import { GroundworkError } from '../base/error.ts';
import type { ByteSource } from './byte-source.ts';
import { asUtf8, decodeUtf8, nameEncoding, unicodePath, type NameDecoder } from './zip-names.ts';

export interface DirectoryEntry {
  /** Normalised: forward slashes, no `./`, never leaving the archive. */
  readonly path: string;
  readonly method: 'stored' | 'deflate';
  readonly size: number;
  readonly compressedSize: number;
  readonly crc32: number;
  /** Where its local header begins. */
  readonly headerOffset: number;
}

export interface RefusedEntry {
  readonly path: string;
  readonly reason: string;
}

const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
const UNKNOWN_32 = 0xffffffff;

const broken = (label: string, what: string) =>
  new GroundworkError(
    'zip-invalid',
    `${label}: ${what}`,
    'The archive is incomplete, or it is not a zip. Download it again, or unpack it and drop the folder.',
  );

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Why a path may not be unpacked, or null; and the path tidied. */
export function tidyPath(name: string): { path: string; problem: string | null } {
  const path = name.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
  if (path.includes('\0')) return { path, problem: 'its name contains a zero byte' };
  if (path.startsWith('/') || /^[a-z]:/i.test(path)) return { path, problem: 'its path is absolute' };
  if (path.split('/').includes('..')) return { path, problem: 'its path leaves the archive' };
  return {
    path: path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/'),
    problem: null,
  };
}

interface Directory {
  readonly offset: number;
  readonly bytes: number;
  readonly entries: number;
}

async function findDirectory(source: ByteSource, label: string): Promise<Directory> {
  const tailStart = Math.max(0, source.size - END_BYTES - MAX_COMMENT);
  const tail = view(await source.read(tailStart, source.size - tailStart));
  for (let i = tail.byteLength - END_BYTES; i >= 0; i--) {
    if (tail.getUint32(i, true) !== 0x06054b50 || i + END_BYTES + tail.getUint16(i + 20, true) > tail.byteLength)
      continue;
    const end = tailStart + i;
    let [entries, bytes, offset] = [
      tail.getUint16(i + 10, true),
      tail.getUint32(i + 12, true),
      tail.getUint32(i + 16, true),
    ];
    let endOfDirectory = end;
    if (end >= 20) {
      const locator = view(await source.read(end - 20, 20));
      if (locator.getUint32(0, true) === 0x07064b50) {
        const at = Number(locator.getBigUint64(8, true));
        if (at + 56 > source.size) throw broken(label, 'its zip64 record lies outside the file.');
        const record = view(await source.read(at, 56));
        if (record.getUint32(0, true) !== 0x06064b50) throw broken(label, 'its zip64 record is damaged.');
        [entries, bytes, offset] = [
          Number(record.getBigUint64(32, true)),
          Number(record.getBigUint64(40, true)),
          Number(record.getBigUint64(48, true)),
        ];
        endOfDirectory = at;
      }
    }
    // Bytes before the archive (a self-extractor) shift every offset.
    const shift = endOfDirectory - bytes - offset;
    if (shift < 0 || offset + bytes > source.size) throw broken(label, 'its directory lies outside the file.');
    if (shift > 0) throw broken(label, 'there are bytes before the archive.');
    return { offset, bytes, entries };
  }
  throw broken(label, 'it has no zip directory.');
}

/** zip64 extra field: the 64-bit values of those fields that hold 0xFFFFFFFF, in a fixed order. */
function wideSizes(
  extra: DataView,
  size: number,
  compressedSize: number,
  headerOffset: number,
): [number, number, number] {
  const values: [number, number, number] = [size, compressedSize, headerOffset];
  for (let i = 0; i + 4 <= extra.byteLength;) {
    const id = extra.getUint16(i, true);
    const end = i + 4 + extra.getUint16(i + 2, true);
    if (id === 1 && end <= extra.byteLength) {
      let at = i + 4;
      for (let k = 0; k < 3; k++) {
        if (values[k] !== UNKNOWN_32 || at + 8 > end) continue;
        values[k] = Number(extra.getBigUint64(at, true));
        at += 8;
      }
    }
    i = end;
  }
  return values;
}

/** The directory is read a piece at a time: that of a hundred thousand pictures has ten megabytes. */
const PIECE = 2 ** 20;

class DirectoryReader {
  readonly #source: ByteSource;
  readonly #end: number;
  #start: number;
  #bytes = new Uint8Array(0);
  at: number;

  constructor(source: ByteSource, { offset, bytes }: Directory) {
    this.#source = source;
    this.#start = this.at = offset;
    this.#end = offset + bytes;
  }

  /** The next `length` bytes without moving on; null beyond the directory's end. */
  async peek(length: number): Promise<Uint8Array | null> {
    if (this.at + length > this.#end) return null;
    if (this.at + length > this.#start + this.#bytes.length) {
      this.#start = this.at;
      this.#bytes = await this.#source.read(this.at, Math.min(this.#end - this.at, Math.max(length, PIECE)));
    }
    return this.#bytes.subarray(this.at - this.#start, this.at - this.#start + length);
  }
}

interface RawEntry {
  readonly data: DataView;
  readonly name: Uint8Array;
  readonly extra: DataView;
}

async function* rawEntries(source: ByteSource, directory: Directory, label: string): AsyncGenerator<RawEntry> {
  const reader = new DirectoryReader(source, directory);
  for (let i = 0; i < directory.entries; i++) {
    const fixed = await reader.peek(46);
    if (!fixed || view(fixed).getUint32(0, true) !== 0x02014b50) throw broken(label, 'its directory is damaged.');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((at) => view(fixed).getUint16(at, true)) as [
      number,
      number,
      number,
    ];
    const length = 46 + nameBytes + extraBytes + commentBytes;
    const bytes = await reader.peek(length);
    if (!bytes) throw broken(label, 'its directory is damaged.');
    reader.at += length;
    yield {
      data: view(bytes),
      name: bytes.subarray(46, 46 + nameBytes),
      extra: view(bytes.subarray(46 + nameBytes, 46 + nameBytes + extraBytes)),
    };
  }
}

/** So many names show the encoding of all. */
const NAMES_LOOKED_AT = 500;
const UTF8_FLAG = 0x800;
const flagsOf = (data: DataView): number => data.getUint16(8, true);
const isAscii = (bytes: Uint8Array): boolean => bytes.every((b) => b < 128);

/** The encoding of the names of which the archive does not say it; null: UTF-8, as all of them can be read. */
async function unsaidEncoding(source: ByteSource, directory: Directory, label: string) {
  const names: Uint8Array[] = [];
  let isUtf8 = true;
  for await (const { data, name } of rawEntries(source, directory, label)) {
    if (flagsOf(data) & UTF8_FLAG || isAscii(name)) continue;
    isUtf8 &&= asUtf8(name) !== null;
    if (names.length < NAMES_LOOKED_AT) names.push(name.slice());
    else if (!isUtf8) break;
  }
  return isUtf8 ? null : nameEncoding(names);
}

function decodeName(decode: NameDecoder, bytes: Uint8Array): string {
  try {
    return decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes); // in another encoding than those that were looked at
  }
}

/**
 * Visits entries in archive order, folders left out; `refuse` is told of those that are not offered. Throws
 * `zip-invalid` if there is no readable directory. Whoever visits looks out for two entries with one path. `foreign` is
 * told once in what encoding names are read that are no UTF-8, with one of them.
 */
export async function readDirectory(
  source: ByteSource,
  visit: (entry: DirectoryEntry) => void,
  refuse: (entry: RefusedEntry) => void,
  label = 'archive',
  foreign: (encoding: string, example: string) => void = () => undefined,
): Promise<void> {
  if (source.size < END_BYTES) throw broken(label, 'it is too short to be a zip.');
  const directory = await findDirectory(source, label);
  let unsaid: Awaited<ReturnType<typeof unsaidEncoding>> | undefined;
  for await (const { data, name: bytes, extra } of rawEntries(source, directory, label)) {
    let name = unicodePath(extra) ?? (isAscii(bytes) || flagsOf(data) & UTF8_FLAG ? asUtf8(bytes) : null);
    if (name === null) {
      if (unsaid === undefined) {
        unsaid = await unsaidEncoding(source, directory, label);
        if (unsaid) foreign(unsaid.name, decodeName(unsaid.decode, bytes));
      }
      name = decodeName(unsaid?.decode ?? decodeUtf8, bytes);
    }
    const [size, compressedSize, headerOffset] = wideSizes(
      extra,
      data.getUint32(24, true),
      data.getUint32(20, true),
      data.getUint32(42, true),
    );
    const [flags, method] = [flagsOf(data), data.getUint16(10, true)];
    const { path, problem } = tidyPath(name);
    const folder = name.endsWith('/') || name.endsWith('\\');
    const reason =
      problem ??
      (folder || path === ''
        ? null
        : flags & 1
          ? 'it is encrypted'
          : method !== 0 && method !== 8
            ? `its compression (method ${method}) is not supported`
            : method === 0 && size !== compressedSize
              ? 'its sizes contradict each other'
              : headerOffset + compressedSize > source.size
                ? 'its bytes lie outside the archive'
                : null);
    if (reason) refuse({ path: name, reason });
    else if (!folder && path !== '')
      visit({
        path,
        method: method === 0 ? 'stored' : 'deflate',
        size,
        compressedSize,
        crc32: data.getUint32(16, true),
        headerOffset,
      });
  }
}
