/**
 * BMP → RGB as Pillow gives it, in 1, 4, 8, 16, 24 and 32 bits, packed in runs or not. Not every decoder reads all of
 * these, and those that do round 5 and 6 bits in different ways.
 * Source: Microsoft's description of BITMAPINFOHEADER; Pillow 12 `BmpImagePlugin.py` and `Unpack.c` for the rounding.
 */
import { GroundworkError } from '../base/error.ts';
import type { RgbImage } from './rgb-image.ts';
import { claimsTooMuch } from './size.ts';

interface Head {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** 0: none, 1: runs of bytes, 2: runs of half bytes, 3 and 6: masks say where the colours are. */
  readonly compression: number;
  /** Entries of [blue, green, red, 0], or of three bytes in the oldest files. */
  readonly palette: Uint8Array;
  readonly entryBytes: number;
  readonly masks: readonly number[];
}

const HEAD_BYTES = 54;

/** A file of 24 bits that every browser shows. */
export function encodeBmp({ width, height, data }: RgbImage): Uint8Array<ArrayBuffer> {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const file = new Uint8Array(HEAD_BYTES + stride * height);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]); // BM
  view.setUint32(2, file.length, true);
  view.setUint32(10, HEAD_BYTES, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      // Rows from the bottom, blue first.
      const to = HEAD_BYTES + (height - 1 - y) * stride + x * 3;
      file[to] = data[from + 2]!;
      file[to + 1] = data[from + 1]!;
      file[to + 2] = data[from]!;
    }
  return file;
}

/** Throws `image-undecodable` for a file that is damaged, cut off, or of a kind that is not read. */
export function decodeBmp(bytes: Uint8Array): RgbImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return pixelsOf(bytes, view);
  } catch (error) {
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
}

function pixelsOf(bytes: Uint8Array, view: DataView): RgbImage {
  const infoSize = view.getUint32(14, true);
  const old = infoSize === 12;
  const [width, high] = old
    ? [view.getUint16(18, true), view.getUint16(20, true)]
    : [view.getInt32(18, true), view.getInt32(22, true)];
  const depth = view.getUint16(old ? 24 : 28, true);
  const compression = old ? 0 : view.getUint32(30, true);
  const height = Math.abs(high);
  if (width <= 0 || height === 0 || claimsTooMuch(width * height, bytes.length, 1024)) throw damaged();
  if (![1, 4, 8, 16, 24, 32].includes(depth) || ![0, 1, 2, 3, 6].includes(compression)) throw damaged();
  const start = view.getUint32(10, true);
  // Masks follow the oldest header, and lie in the newer ones at the same place.
  const apart = infoSize === 40 && compression >= 3;
  const masks = compression >= 3 ? [0, 1, 2].map((i) => view.getUint32(54 + 4 * i, true)) : defaultMasks(depth);
  const head: Head = {
    width,
    height,
    depth,
    compression,
    palette: bytes.subarray(14 + infoSize + (apart ? 12 : 0), start),
    entryBytes: old ? 3 : 4,
    masks,
  };
  const rows =
    compression === 1 || compression === 2 ? unpacked(bytes.subarray(start), head) : plain(bytes, view, start, head);
  if (high > 0) return { width, height, data: flipped(rows, width * 3) };
  return { width, height, data: rows };
}

const defaultMasks = (depth: number): number[] => (depth === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff]);

/** Rows in the order in which they are stored. */
function plain(bytes: Uint8Array, view: DataView, start: number, head: Head): Uint8Array<ArrayBuffer> {
  const { width, height, depth, masks } = head;
  const rowBytes = Math.ceil((width * depth) / 32) * 4;
  // The padding of the last row may be missing.
  if (start + rowBytes * (height - 1) + Math.ceil((width * depth) / 8) > bytes.length) throw damaged();
  const out = new Uint8Array(width * height * 3);
  const fields = masks.map((mask) => fieldOf(mask));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [from, to] = [start + y * rowBytes, (y * width + x) * 3];
      if (depth <= 8) {
        const perByte = 8 / depth;
        const value = bytes[from + Math.floor(x / perByte)]! >> (8 - depth * ((x % perByte) + 1));
        paint(out, to, head, value & (2 ** depth - 1));
      } else if (depth === 24) for (let c = 0; c < 3; c++) out[to + c] = bytes[from + x * 3 + 2 - c]!;
      else {
        const value = depth === 16 ? view.getUint16(from + x * 2, true) : view.getUint32(from + x * 4, true);
        fields.forEach(({ shift, most }, c) => {
          out[to + c] = Math.floor((((value >>> shift) & most) * 255) / most);
        });
      }
    }
  return out;
}

function fieldOf(mask: number): { readonly shift: number; readonly most: number } {
  if (mask === 0) throw damaged();
  const shift = 31 - Math.clz32(mask & -mask);
  return { shift, most: mask >>> shift };
}

function paint(out: Uint8Array, to: number, { palette, entryBytes }: Head, index: number): void {
  for (let c = 0; c < 3; c++) out[to + c] = palette[index * entryBytes + 2 - c] ?? 0;
}

/** Runs of one index, or of two by turns, and between them values one by one; what is passed over has index 0. */
function unpacked(packed: Uint8Array, head: Head): Uint8Array<ArrayBuffer> {
  const { width, height, compression } = head;
  const half = compression === 2;
  const indices = new Uint8Array(width * height);
  let [x, y, at] = [0, 0, 0];
  const put = (index: number) => {
    if (x < width && y < height) indices[y * width + x] = index;
    x++;
  };
  const next = (): number => {
    const byte = packed[at++];
    if (byte === undefined) throw damaged();
    return byte;
  };
  while (y < height) {
    const [count, value] = [next(), next()];
    if (count > 0) for (let i = 0; i < count; i++) put(half ? (i % 2 ? value & 15 : value >> 4) : value);
    else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) break;
    else if (value === 2) [x, y] = [x + next(), y + next()];
    else {
      const size = half ? Math.ceil(value / 2) : value;
      for (let i = 0, byte = 0; i < value; i++) {
        if (!half || i % 2 === 0) byte = next();
        put(half ? (i % 2 ? byte & 15 : byte >> 4) : byte);
      }
      at += size % 2;
    }
  }
  const out = new Uint8Array(width * height * 3);
  indices.forEach((index, i) => paint(out, i * 3, head, index));
  return out;
}

function flipped(rows: Uint8Array, rowBytes: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(rows.length);
  for (let from = rows.length - rowBytes, to = 0; from >= 0; from -= rowBytes, to += rowBytes)
    out.set(rows.subarray(from, from + rowBytes), to);
  return out;
}

const damaged = (): GroundworkError =>
  new GroundworkError(
    'image-undecodable',
    'A BMP could not be decoded.',
    'The file is damaged or was cut off, or it is of a rare kind: save it as PNG.',
  );
