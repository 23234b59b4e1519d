/**
 * The first frame of a GIF, as Pillow gives it: every index by its colour, the transparent one too, and outside the frame
 * the transparent colour or the first. Decoders of browsers and of libvips leave nothing of what is transparent.
 * Source: the GIF89a specification; Pillow 12 `GifImagePlugin.py` for what lies outside the frame.
 */
import { GroundworkError } from '../base/error.ts';
import type { RgbImage } from './rgb-image.ts';
import { claimsTooMuch } from './size.ts';

/** Throws `image-undecodable` for a file that is damaged or cut off. */
export function decodeGif(bytes: Uint8Array): RgbImage {
  const reader = new Reader(bytes);
  reader.at = 6;
  const [width, height] = [reader.word(), reader.word()];
  const flags = reader.byte();
  reader.at += 2;
  const shared = flags & 0x80 ? reader.take(3 * 2 ** ((flags & 7) + 1)) : null;
  if (width * height === 0 || claimsTooMuch(width * height, bytes.length, IN_BYTE)) throw damaged();
  let transparent: number | null = null;
  for (;;) {
    const kind = reader.byte();
    if (kind === 0x2c) return frame(reader, { width, height, shared, transparent });
    if (kind !== 0x21) throw damaged();
    const label = reader.byte();
    const body = reader.blocks();
    if (label === 0xf9 && body.length >= 4 && body[0]! & 1) transparent = body[3]!;
  }
}

interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Colours of all frames that have none of their own. */
  readonly shared: Uint8Array | null;
  readonly transparent: number | null;
}

function frame(reader: Reader, { width, height, shared, transparent }: Canvas): RgbImage {
  const [left, top, w, h] = [reader.word(), reader.word(), reader.word(), reader.word()];
  const flags = reader.byte();
  const colours = flags & 0x80 ? reader.take(3 * 2 ** ((flags & 7) + 1)) : shared;
  if (!colours || claimsTooMuch(w * h, reader.length, IN_BYTE)) throw damaged();
  const smallest = reader.byte();
  const indices = unpack(reader.blocks(), smallest, w * h);
  const data = new Uint8Array(width * height * 3);
  // An index beyond the colours leaves what is there.
  const paint = (at: number, index: number) => {
    if (3 * index + 3 > colours.length) return;
    data[3 * at] = colours[3 * index]!;
    data[3 * at + 1] = colours[3 * index + 1]!;
    data[3 * at + 2] = colours[3 * index + 2]!;
  };
  if (left > 0 || top > 0 || w < width || h < height) {
    paint(0, transparent ?? 0);
    for (let done = 3; done < data.length; done *= 2) data.copyWithin(done, 0, Math.min(done, data.length - done));
  }
  const [shownWidth, shownHeight] = [Math.min(w, width - left), Math.min(h, height - top)];
  rowsOf(h, (flags & 0x40) !== 0).forEach((y, i) => {
    if (y < shownHeight) for (let x = 0; x < shownWidth; x++) paint((top + y) * width + left + x, indices[i * w + x]!);
  });
  return { width, height, data };
}

/** Rows in the order in which they are stored. */
function rowsOf(height: number, interlaced: boolean): number[] {
  const all = Array.from({ length: height }, (_, y) => y);
  if (!interlaced) return all;
  const every = (start: number, step: number) => all.filter((y) => y >= start && (y - start) % step === 0);
  return [...every(0, 8), ...every(4, 8), ...every(2, 4), ...every(1, 2)];
}

const LARGEST_CODE = 4096;
/** Pixels that a byte can be unpacked to: the longest code of 12 bits. */
const IN_BYTE = (LARGEST_CODE * 8) / 12;

/** LZW with codes of growing width. */
function unpack(packed: Uint8Array, smallest: number, size: number): Uint8Array {
  if (smallest < 1 || smallest > 8) throw damaged();
  const out = new Uint8Array(size);
  const [clear, end] = [2 ** smallest, 2 ** smallest + 1];
  const [prefix, last, length] = [
    new Int16Array(LARGEST_CODE),
    new Uint8Array(LARGEST_CODE),
    new Uint16Array(LARGEST_CODE),
  ];
  for (let i = 0; i < clear; i++) [prefix[i], last[i], length[i]] = [-1, i, 1];
  let [next, width, before, at, bits, held] = [end + 1, smallest + 1, -1, 0, 0, 0];
  const put = (code: number): number => {
    const count = length[code]!;
    let c = code;
    for (let i = count - 1; i >= 0; i--, c = prefix[c]!) if (at + i < size) out[at + i] = last[c]!;
    at += count;
    return c;
  };
  const firstOf = (code: number): number => {
    let c = code;
    while (prefix[c]! >= 0) c = prefix[c]!;
    return last[c]!;
  };
  for (const byte of packed) {
    held |= byte << bits;
    bits += 8;
    while (bits >= width && at < size) {
      const code = held & (2 ** width - 1);
      held >>>= width;
      bits -= width;
      if (code === end) return finished(out, at, size);
      if (code === clear) {
        [next, width, before] = [end + 1, smallest + 1, -1];
        continue;
      }
      if (code > next || (code === next && before < 0)) throw damaged();
      if (before >= 0 && next < LARGEST_CODE) {
        [prefix[next], last[next], length[next]] = [
          before,
          firstOf(code === next ? before : code),
          length[before]! + 1,
        ];
        next++;
        if (next === 2 ** width && width < 12) width++;
      }
      put(code);
      before = code;
    }
  }
  return finished(out, at, size);
}

function finished(out: Uint8Array, at: number, size: number): Uint8Array {
  if (at < size) throw damaged();
  return out;
}

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw damaged();
    return value;
  }

  word(): number {
    return this.byte() | (this.byte() << 8);
  }

  take(count: number): Uint8Array {
    if (this.at + count > this.#bytes.length) throw damaged();
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  /** What comes in blocks of up to 255 bytes, as one. */
  blocks(): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let size = this.byte(); size > 0; size = this.byte()) parts.push(this.take(size));
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

const damaged = (): GroundworkError =>
  new GroundworkError(
    'image-undecodable',
    'A GIF could not be decoded.',
    'The file is damaged or was cut off: replace it.',
  );
