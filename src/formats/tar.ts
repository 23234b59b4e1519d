/**
 * Tar archives (POSIX ustar and pax, GNU long names): where the entries are. Contents lie in the archive as they are, so
 * an entry is a slice of it.
 */
import { GroundworkError } from '../base/error.ts';
import type { ByteSource } from './byte-source.ts';
import { tidyPath, type RefusedEntry } from './zip-directory.ts';

export interface TarEntry {
  readonly path: string;
  /** Of its content in the archive. */
  readonly offset: number;
  readonly size: number;
}

const BLOCK = 512;
/** Longer headers than any path needs are not read into memory. */
const MAX_EXTENSION = 64 * 1024;

const text = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
};

/** Octal digits, or GNU's base 256 for what they cannot hold; NaN if neither. */
function numberOf(bytes: Uint8Array): number {
  if (bytes[0]! & 0x80) return bytes.subarray(1).reduce((n, b) => n * 256 + b, bytes[0]! & 0x7f);
  const digits = text(bytes).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : NaN;
}

/** Records `length key=value\n` of a pax header. */
function paxRecords(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at);
    const length = space < 0 ? NaN : Number(text(bytes.subarray(at, space)));
    if (!Number.isInteger(length) || length <= space - at + 1 || at + length > bytes.length) break;
    const record = text(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf('=');
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** The sum of a header's bytes, its own field taken as spaces. */
const sumOf = (header: Uint8Array): number => header.reduce((sum, b, i) => sum + (i >= 148 && i < 156 ? 32 : b), 0);

/** Whether the bytes begin with a tar header. */
export const looksLikeTar = (head: Uint8Array): boolean =>
  head.length >= BLOCK &&
  numberOf(head.subarray(148, 156)) === sumOf(head.subarray(0, BLOCK)) &&
  head.subarray(0, BLOCK).some((b) => b !== 0);

const broken = (label: string, what: string) =>
  new GroundworkError(
    'tar-invalid',
    `${label}: ${what}`,
    'The archive is incomplete or not a tar: download it again, or unpack it and drop the folder.',
  );

/**
 * Visits the files of an archive in order; folders and links are left out, `refuse` is told of the links and of unsafe
 * paths. Throws `tar-invalid` where a header makes no sense; what came before it has been visited.
 */
export async function readTar(
  source: ByteSource,
  visit: (entry: TarEntry) => void,
  refuse: (entry: RefusedEntry) => void,
  label = 'archive',
): Promise<void> {
  let longName: string | null = null;
  let size: number | null = null;
  for (let at = 0; at + BLOCK <= source.size;) {
    const header = await source.read(at, BLOCK);
    if (header.every((b) => b === 0)) return;
    if (!looksLikeTar(header)) throw broken(label, `there is no header at byte ${at}.`);
    const kind = String.fromCharCode(header[156]!);
    const bytes: number = (kind === 'x' || kind === 'g' ? null : size) ?? numberOf(header.subarray(124, 136));
    const content = at + BLOCK;
    if (!Number.isSafeInteger(bytes) || bytes < 0 || content + bytes > source.size)
      throw broken(label, `an entry at byte ${at} reaches beyond its end.`);
    at = content + Math.ceil(bytes / BLOCK) * BLOCK;
    if (kind === 'K') continue; // the name that a link points to
    if (kind === 'L' || kind === 'x' || kind === 'g') {
      if (bytes > MAX_EXTENSION) throw broken(label, `a header at byte ${content - BLOCK} is too long.`);
      const extension = await source.read(content, bytes);
      if (kind === 'L') longName = text(extension);
      else if (kind === 'x') {
        const records = paxRecords(extension);
        longName = records.get('path') ?? longName;
        const stated = Number(records.get('size') ?? NaN);
        size = Number.isSafeInteger(stated) ? stated : null;
      }
      continue;
    }
    // POSIX has a prefix for long paths; GNU keeps dates there.
    const prefix = text(header.subarray(257, 263)) === 'ustar' ? text(header.subarray(345, 500)) : '';
    const name = longName ?? (prefix ? `${prefix}/` : '') + text(header.subarray(0, 100));
    [longName, size] = [null, null];
    if (kind === '5') continue;
    const { path, problem } = tidyPath(name);
    if (kind !== '0' && kind !== '\0' && kind !== '7')
      refuse({ path: name, reason: 'it is a link or a device, not a file' });
    else if (problem) refuse({ path: name, reason: problem });
    else if (path !== '' && !name.endsWith('/')) visit({ path, offset: content, size: bytes });
  }
}
