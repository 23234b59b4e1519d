/**
 * PNG → RGB as Pillow gives it, for the kinds on which decoders differ: with transparency, whose colours a canvas cannot
 * give back, and of 16 bits. Of those the upper byte counts; 16 bits of grey alone are cut off at 255, as Pillow does.
 * Source: the PNG specification (third edition); Pillow 12 `PngImagePlugin.py` and `Convert.c`.
 */
import { unzlibSync } from 'fflate';
import { GroundworkError } from '../base/error.ts';
import type { RgbImage } from './rgb-image.ts';
import { claimsTooMuch } from './size.ts';

/** Samples of a pixel by colour type. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Of interlaced files: where each pass begins, and its steps. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Head {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

/** As stored, not turned. Throws `image-undecodable` for a file that is damaged or cut off. */
export function decodePng(bytes: Uint8Array): RgbImage {
  const { head, palette, packed } = chunksOf(bytes);
  const { width, height, depth, colour } = head;
  const channels = CHANNELS[colour];
  if (channels === undefined || ![1, 2, 4, 8, 16].includes(depth) || (depth < 8 && channels > 1)) throw damaged();
  if (width * height === 0 || claimsTooMuch(width * height, packed.length, 8 * 1032) || (colour === 3 && !palette))
    throw damaged();
  const passes = head.interlaced ? PASSES : ([[0, 0, 1, 1]] as const);
  const sizes = passes.map(([x0, y0, dx, dy]) => ({
    columns: Math.max(0, Math.ceil((width - x0) / dx)),
    rows: Math.max(0, Math.ceil((height - y0) / dy)),
  }));
  const rowBytes = (columns: number) => Math.ceil((columns * channels * depth) / 8);
  const total = sizes.reduce((sum, { columns, rows }) => sum + (columns ? rows * (1 + rowBytes(columns)) : 0), 0);
  const raw = inflated(packed, total);
  const data = new Uint8Array(width * height * 3);
  const paint = painter(head, channels, palette, data);
  let at = 0;
  passes.forEach(([x0, y0, dx, dy], pass) => {
    const { columns, rows } = sizes[pass]!;
    if (columns === 0) return;
    const size = rowBytes(columns);
    let above: Uint8Array = new Uint8Array(size);
    for (let row = 0; row < rows; row++) {
      const line = raw.subarray(at + 1, at + 1 + size);
      unfilter(line, above, raw[at]!, Math.max(1, (channels * depth) >> 3));
      for (let x = 0; x < columns; x++) paint(line, x, (y0 + row * dy) * width + x0 + x * dx);
      above = line;
      at += 1 + size;
    }
  });
  return { width, height, data };
}

/** Writes the colour of a row's pixel `x` at place `to`. */
function painter(
  { depth, colour }: Head,
  channels: number,
  palette: Uint8Array | null,
  data: Uint8Array,
): (line: Uint8Array, x: number, to: number) => void {
  const bytes = depth >> 3;
  const most = 2 ** depth - 1;
  return (line, x, to) => {
    if (colour === 2 || colour === 6) for (let c = 0; c < 3; c++) data[to * 3 + c] = line[(x * channels + c) * bytes]!;
    else if (depth < 8 || colour === 3) {
      const perByte = 8 / depth;
      const value = (line[Math.floor(x / perByte)]! >> (8 - depth * ((x % perByte) + 1))) & most;
      for (let c = 0; c < 3; c++)
        data[to * 3 + c] = colour === 3 ? (palette![3 * value + c] ?? 0) : (value * 255) / most;
    } else {
      const first = x * channels * bytes;
      const grey =
        depth === 16 && colour === 0 && line[first]! > 0 ? 255 : line[first + (colour === 0 ? bytes - 1 : 0)]!;
      data.fill(grey, to * 3, to * 3 + 3);
    }
  };
}

function chunksOf(bytes: Uint8Array): { head: Head; palette: Uint8Array | null; packed: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let head: Head | null = null;
  let palette: Uint8Array | null = null;
  const parts: Uint8Array[] = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (body.length < length || kind === 'IEND') break;
    if (kind === 'IHDR' && length >= 13)
      head = {
        width: view.getUint32(at + 8),
        height: view.getUint32(at + 12),
        depth: body[8]!,
        colour: body[9]!,
        interlaced: body[12] === 1,
      };
    if (kind === 'PLTE') palette = body;
    if (kind === 'IDAT') parts.push(body);
    at += 12 + length;
  }
  if (!head) throw damaged();
  const packed = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    packed.set(part, at);
    at += part.length;
  }
  return { head, palette, packed };
}

function inflated(packed: Uint8Array, size: number): Uint8Array {
  try {
    const raw = unzlibSync(packed, { out: new Uint8Array(size) });
    if (raw.length >= size) return raw;
  } catch {
    // said below
  }
  throw damaged();
}

/** Undoes a row's filter in place. `step`: bytes of a pixel. */
function unfilter(line: Uint8Array, above: Uint8Array, filter: number, step: number): void {
  if (filter > 4) throw damaged();
  if (filter === 0) return;
  for (let i = 0; i < line.length; i++) {
    const left = i >= step ? line[i - step]! : 0;
    const up = above[i]!;
    const corner = i >= step ? above[i - step]! : 0;
    if (filter === 1) line[i]! += left;
    else if (filter === 2) line[i]! += up;
    else if (filter === 3) line[i]! += (left + up) >> 1;
    else line[i]! += nearest(left, up, corner);
  }
}

/** Paeth's: that of the three which is nearest to left + up − corner. */
function nearest(left: number, up: number, corner: number): number {
  const sum = left + up - corner;
  const [a, b, c] = [Math.abs(sum - left), Math.abs(sum - up), Math.abs(sum - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

const damaged = (): GroundworkError =>
  new GroundworkError(
    'image-undecodable',
    'A PNG could not be decoded.',
    'The file is damaged or was cut off: replace it.',
  );
