/**
 * A picture's format and size from its first bytes, without decoding it: PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF. Sizes are as
 * shown, after the EXIF orientation: what decodeImage gives and what boxes are drawn on.
 */
import { count } from '../base/counts.ts';
import { PICTURE_FORMATS } from '../base/picture-files.ts';
import type { Size } from '../grounding/box.ts';
import { avifHead } from './avif.ts';
import { whyTiffUnread } from './tiff-head.ts';

export interface ImageHeader {
  readonly format: 'png' | 'jpeg' | 'webp' | 'avif' | 'gif' | 'bmp' | 'tiff';
  readonly size: Size;
  /** EXIF orientation, 1–8; from 5 on width and height are exchanged in `size`. */
  readonly orientation: number;
  readonly hasAlpha: boolean;
  /** Decoders differ on pictures of this kind: ours decodes them, everywhere alike (image/decode.ts). */
  readonly ours: boolean;
}

/** Pixels of a picture: more is no picture that anyone made. */
export const MOST_PIXELS = 2 ** 28;

/** From here on a picture takes so much memory to decode that it is worth a word. */
const LARGE_PIXELS = 2 ** 26;

/** What is to be said of a picture's size before it is decoded; null: nothing. */
export function sizeComplaint({ width, height }: Size): SizeComplaint | null {
  const pixels = width * height;
  if (pixels <= LARGE_PIXELS) return null;
  const named = `has ${count(width)} × ${count(height)} pixels`;
  if (pixels > MOST_PIXELS)
    return {
      usable: false,
      reason: `${named}, more than can be decoded`,
      fix: `Save it with at most ${Math.floor(MOST_PIXELS / 1e6)} million pixels.`,
    };
  // Four bytes a pixel in the decoder, three in what it gives.
  return {
    usable: true,
    reason: `${named}, and takes about ${((7 * pixels) / 1e9).toFixed(1)} GB of memory to decode`,
    fix: 'Save it smaller, if the machine is short of memory. The model sees a few million pixels of it at most.',
  };
}

export interface SizeComplaint {
  readonly usable: boolean;
  readonly reason: string;
  readonly fix: string;
}

/**
 * Whether a file is too short for its size by far: nobody packs so many pixels into a byte, and a few bytes that claim
 * millions would keep the processor busy for nothing.
 */
export const claimsTooMuch = (pixels: number, bytes: number, pixelsInByte: number): boolean =>
  pixels > MOST_PIXELS || pixels > 2 ** 16 + bytes * pixelsInByte;

const CHUNK = 64 * 1024;
/** JPEG headers may carry megabytes of metadata before the size. */
const MAX_SCAN = 16 * 2 ** 20;

/** Reads forward through a file, a Blob by a chunk at a time. */
class Reader {
  readonly #size: number;
  /** What the chunks are of; null: the bytes are all here. */
  readonly #blob: Blob | null;
  #start = 0;
  #data: Uint8Array;

  constructor(file: Blob | Uint8Array) {
    const here = file instanceof Uint8Array;
    this.#size = here ? file.length : file.size;
    this.#blob = here ? null : file;
    this.#data = here ? file : new Uint8Array(0);
  }

  /** A view of `length` bytes at `offset`, or null beyond the end. */
  async at(offset: number, length: number): Promise<DataView | null> {
    if (offset < 0 || offset + length > this.#size || offset > MAX_SCAN) return null;
    if (this.#blob && (offset < this.#start || offset + length > this.#start + this.#data.length)) {
      this.#start = offset;
      this.#data = new Uint8Array(await this.#blob.slice(offset, offset + Math.max(length, CHUNK)).arrayBuffer());
      if (this.#data.length < length) return null;
    }
    return new DataView(this.#data.buffer, this.#data.byteOffset + offset - this.#start, length);
  }
}

const ascii = (data: DataView, offset: number, length: number): string =>
  String.fromCharCode(...Array.from({ length }, (_, i) => data.getUint8(offset + i)));

/** Orientation from a TIFF block (EXIF 2.32 §4.6); 1 if it has none or is malformed. */
function orientationOf(tiff: DataView): number {
  if (tiff.byteLength < 8) return 1;
  const little = tiff.getUint16(0) === 0x4949;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return 1;
  const entries = tiff.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + i * 12;
    if (at + 12 > tiff.byteLength) return 1;
    if (tiff.getUint16(at, little) === 0x0112) {
      const value = tiff.getUint16(at + 8, little);
      return value >= 1 && value <= 8 ? value : 1;
    }
  }
  return 1;
}

function header(
  format: ImageHeader['format'],
  width: number,
  height: number,
  orientation = 1,
  hasAlpha = false,
  ours = false,
): ImageHeader | null {
  if (!(width > 0 && height > 0)) return null;
  return {
    format,
    size: orientation >= 5 ? { width: height, height: width } : { width, height },
    orientation,
    hasAlpha,
    ours,
  };
}

async function png(reader: Reader): Promise<ImageHeader | null> {
  const ihdr = await reader.at(8, 25);
  if (!ihdr || ascii(ihdr, 4, 4) !== 'IHDR') return null;
  let hasAlpha = (ihdr.getUint8(17) & 4) !== 0;
  let orientation = 1;
  for (let at = 33, i = 0; i < 64; i++) {
    const chunk = await reader.at(at, 8);
    if (!chunk) break;
    const [length, type] = [chunk.getUint32(0), ascii(chunk, 4, 4)];
    if (type === 'IDAT' || type === 'IEND') break;
    if (type === 'tRNS') hasAlpha = true;
    const exif = type === 'eXIf' ? await reader.at(at + 8, length) : null;
    if (exif) orientation = orientationOf(exif);
    at += 12 + length;
  }
  return header(
    'png',
    ihdr.getUint32(8),
    ihdr.getUint32(12),
    orientation,
    hasAlpha,
    hasAlpha || ihdr.getUint8(16) === 16,
  );
}

/** Browsers turn four colours (CMYK) into three, each in a way of its own: these are decoded here. */
async function jpeg(reader: Reader): Promise<ImageHeader | null> {
  const frame = await jpegFrame(reader);
  return frame && header('jpeg', frame.width, frame.height, frame.orientation, false, frame.components === 4);
}

async function jpegFrame(reader: Reader): Promise<{
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  readonly components: number;
} | null> {
  let orientation = 1;
  for (let at = 2; ;) {
    const marker = await reader.at(at, 4);
    if (!marker || marker.getUint8(0) !== 0xff) return null;
    const code = marker.getUint8(1);
    if (code === 0xff) at += 1; // fill byte
    else if (code === 0x01 || (code >= 0xd0 && code <= 0xd7)) at += 2;
    else {
      const length = marker.getUint16(2);
      const isFrame = code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
      if (isFrame) {
        const frame = await reader.at(at + 4, 6);
        if (!frame) return null;
        return { width: frame.getUint16(3), height: frame.getUint16(1), orientation, components: frame.getUint8(5) };
      }
      if (code === 0xd9 || code === 0xda || length < 2) return null;
      const body = code === 0xe1 ? await reader.at(at + 4, length - 2) : null;
      if (body && body.byteLength > 6 && ascii(body, 0, 4) === 'Exif')
        orientation = orientationOf(new DataView(body.buffer, body.byteOffset + 6, body.byteLength - 6));
      at += 2 + length;
    }
  }
}

async function webp(reader: Reader): Promise<ImageHeader | null> {
  const first = await reader.at(12, 18);
  if (!first) return null;
  const kind = ascii(first, 0, 4);
  if (kind === 'VP8 ') return header('webp', first.getUint16(14, true) & 0x3fff, first.getUint16(16, true) & 0x3fff);
  if (kind === 'VP8L') {
    const bits = first.getUint32(9, true);
    return header('webp', (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1, 1, ((bits >>> 28) & 1) === 1);
  }
  if (kind !== 'VP8X') return null;
  const flags = first.getUint8(8);
  const uint24 = (offset: number) =>
    first.getUint8(offset) | (first.getUint8(offset + 1) << 8) | (first.getUint8(offset + 2) << 16);
  let orientation = 1;
  if (flags & 8)
    for (let at = 30, i = 0; i < 1000; i++) {
      const chunk = await reader.at(at, 8);
      if (!chunk) break;
      const length = chunk.getUint32(4, true);
      if (ascii(chunk, 0, 4) === 'EXIF') {
        const body = await reader.at(at + 8, length);
        const skip = body && body.byteLength > 6 && ascii(body, 0, 4) === 'Exif' ? 6 : 0;
        if (body)
          orientation = orientationOf(new DataView(body.buffer, body.byteOffset + skip, body.byteLength - skip));
      }
      at += 8 + length + (length & 1);
    }
  return header('webp', uint24(12) + 1, uint24(15) + 1, orientation, (flags & 16) !== 0);
}

async function avif(reader: Reader): Promise<ImageHeader | null> {
  for (let at = 0, i = 0; i < 16; i++) {
    const box = await reader.at(at, 8);
    if (!box) return null;
    const size = box.getUint32(0);
    if (size < 8) return null;
    if (ascii(box, 4, 4) === 'meta') {
      const body = await reader.at(at + 8, size - 8);
      const head = body && avifHead(body);
      return head && header('avif', head.size.width, head.size.height, head.orientation, head.hasAlpha);
    }
    at += size;
  }
  return null;
}

interface TiffFrame {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  /** Why it is not read; null: it is. */
  readonly unread: string | null;
}

/** The directory may lie anywhere: only it is looked at. */
async function tiffFrame(reader: Reader): Promise<TiffFrame | null> {
  const magic = await reader.at(0, 8);
  if (!magic) return null;
  const little = magic.getUint16(0) === 0x4949;
  const directory = magic.getUint32(4, little);
  const count = (await reader.at(directory, 2))?.getUint16(0, little);
  const table = count === undefined ? null : await reader.at(directory + 2, 12 * count);
  if (!table) return null;
  const of = async (tag: number, fallback: number): Promise<number> => {
    for (let at = 0; at < table.byteLength; at += 12) {
      if (table.getUint16(at, little) !== tag) continue;
      const [short, many] = [table.getUint16(at + 2, little) === 3, table.getUint32(at + 4, little)];
      if (!short) return table.getUint32(at + 8, little);
      if (many <= 2) return table.getUint16(at + 8, little);
      return (await reader.at(table.getUint32(at + 8, little), 2))?.getUint16(0, little) ?? fallback;
    }
    return fallback;
  };
  const turning = await of(274, 1);
  return {
    width: await of(256, 0),
    height: await of(257, 0),
    orientation: turning >= 1 && turning <= 8 ? turning : 1,
    unread: whyTiffUnread({
      compression: await of(259, 1),
      photometric: await of(262, 1),
      bits: await of(258, 1),
    }),
  };
}

async function tiff(reader: Reader): Promise<ImageHeader | null> {
  const frame = await tiffFrame(reader);
  return frame && frame.unread === null
    ? header('tiff', frame.width, frame.height, frame.orientation, false, true)
    : null;
}

/** By the first 12 bytes; null: none that we know. */
function formatOf(magic: DataView): ImageHeader['format'] | null {
  if (magic.getUint32(0) === 0x89504e47) return 'png';
  if (magic.getUint16(0) === 0xffd8) return 'jpeg';
  if (ascii(magic, 0, 4) === 'RIFF' && ascii(magic, 8, 4) === 'WEBP') return 'webp';
  if (ascii(magic, 0, 4) === 'GIF8') return 'gif';
  if (['II*\0', 'MM\0*'].includes(ascii(magic, 0, 4))) return 'tiff';
  if (/^ftypavi[fs]/.test(ascii(magic, 4, 8))) return 'avif';
  return ascii(magic, 0, 2) === 'BM' ? 'bmp' : null;
}

/** Null if the bytes are no picture we know, or are cut off before their size. Never throws for content. */
export async function readImageHeader(file: Blob | Uint8Array): Promise<ImageHeader | null> {
  const reader = new Reader(file);
  const magic = await reader.at(0, 12);
  const format = magic && formatOf(magic);
  if (format === 'png') return png(reader);
  if (format === 'jpeg') return jpeg(reader);
  if (format === 'webp') return webp(reader);
  if (format === 'avif') return avif(reader);
  if (format === 'tiff') return tiff(reader);
  if (format === 'gif') return header('gif', magic!.getUint16(6, true), magic!.getUint16(8, true), 1, false, true);
  if (format === 'bmp') {
    const info = await reader.at(14, 12);
    if (!info) return null;
    // The oldest header has sizes of two bytes.
    return info.getUint32(0, true) === 12
      ? header('bmp', info.getUint16(4, true), info.getUint16(6, true), 1, false, true)
      : header('bmp', info.getInt32(4, true), Math.abs(info.getInt32(8, true)), 1, false, true);
  }
  return null;
}

/** Bytes at the end of a file in which its end mark is looked for. */
const TAIL = 4096;
/** Bytes at its beginning that tell its format, and of some formats its length. */
const MAGIC = 12;

/** The first MAGIC and the last TAIL bytes of a file, and its length: taken from its pieces, in their order. */
export class FileEnds {
  #size = 0;
  #begin = new Uint8Array(0);
  #end = new Uint8Array(0);

  take(piece: Uint8Array): void {
    this.#size += piece.length;
    if (this.#begin.length < MAGIC) this.#begin = joined(this.#begin, piece).slice(0, MAGIC);
    this.#end = piece.length >= TAIL ? piece.slice(-TAIL) : joined(this.#end, piece).slice(-TAIL);
  }

  get endsWell(): boolean {
    return complete(this.#begin, this.#end, this.#size);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Whether a picture ends as its format wants it to; one that was cut off does not, and cannot be decoded. */
function complete(begin: Uint8Array<ArrayBuffer>, end: Uint8Array, size: number): boolean {
  if (begin.length < MAGIC) return false;
  const magic = new DataView(begin.buffer, begin.byteOffset);
  const format = formatOf(magic);
  if (format === 'webp') return magic.getUint32(4, true) + 8 <= size;
  if (format !== 'png' && format !== 'jpeg') return true;
  return String.fromCharCode(...end).includes(format === 'png' ? 'IEND' : '\xff\xd9');
}

/** Whether a picture's file ends as its format wants it to, by both ends of it; one that was cut off does not. */
export async function endsWell(file: Blob): Promise<boolean> {
  const [begin, end] = await Promise.all([file.slice(0, MAGIC).arrayBuffer(), file.slice(-TAIL).arrayBuffer()]);
  return complete(new Uint8Array(begin), new Uint8Array(end), file.size);
}

/** Files that are often found where a picture should be: how they begin, what they are, and the way out. */
const FOREIGN: readonly (readonly [RegExp, string, string])[] = [
  [/^$/, 'is empty', 'Copy the picture again.'],
  [
    /^[^]{4}ftyp(?:hei|hev|mif1|msf1)/,
    'is a HEIC picture, which Groundwork does not read',
    'Convert it to JPEG or PNG.',
  ],
  [
    /^(?:\xff\n|[^]{4}JXL )/,
    'is a JPEG XL picture, which Groundwork does not read',
    'Convert it to JPEG, PNG or WebP.',
  ],
  [/^version https:\/\/git-lfs/, 'is a Git LFS pointer, not the picture', 'Fetch the pictures: git lfs pull.'],
  [/^\s*<(?:\?xml|svg)/i, 'is an SVG drawing, not a pixel image', 'Render it to PNG.'],
  [/^\s*<(?:!doctype|html)/i, 'is a web page: its download failed', 'Download the picture again.'],
  [
    /^(?:\x89PNG|\xff\xd8|RIFF[^]{4}WEBP|GIF8|II\*\0|MM\0\*|[^]{4}ftypavi[fs])/,
    'is truncated or damaged',
    'Copy or download the picture again.',
  ],
];

/** Why a file is not a readable picture, as the end of a sentence that begins with its name, and what to do. */
export async function whyUnreadable(file: Blob): Promise<{ readonly reason: string; readonly fix: string }> {
  const header = await readImageHeader(file);
  const large = header && sizeComplaint(header.size);
  if (large) return large;
  const bytes = new Uint8Array(await file.slice(0, 64).arrayBuffer());
  const begin = String.fromCharCode(...bytes);
  if (/^(?:II\*\0|MM\0\*)/.test(begin)) {
    const unread = (await tiffFrame(new Reader(file)))?.unread;
    if (unread) return { reason: `is a TIFF or raw picture ${unread}, which is not read`, fix: 'Convert it to PNG.' };
  }
  const known = FOREIGN.find(([pattern]) => pattern.test(begin));
  return known
    ? { reason: known[1], fix: known[2] }
    : { reason: 'is not a readable picture', fix: `Replace it with a ${PICTURE_FORMATS} file.` };
}
