/**
 * TIFF → RGB as Pillow gives it: strips and tiles, in one plane or several, of 1, 4, 8 and 16 bits; grey, colours, a
 * palette or CMYK; plain, or packed by LZW, Deflate or runs. Browsers read none of it. What is not read is named.
 * Source: TIFF 6.0, and Adobe's technical notes for Deflate and the predictor; Pillow 12 `TiffImagePlugin.py`.
 */
import { unzlibSync } from 'fflate';
import { GroundworkError } from '../base/error.ts';
import type { RgbImage } from './rgb-image.ts';
import { claimsTooMuch, MOST_PIXELS } from './size.ts';
import { COLOURS, entriesOf, tiffHead, whyTiffUnread, type TiffEntries } from './tiff-head.ts';

const TAG = {
  bits: 258,
  compression: 259,
  photometric: 262,
  stripPlaces: 273,
  samples: 277,
  rowsPerStrip: 278,
  stripSizes: 279,
  planar: 284,
  predictor: 317,
  palette: 320,
  tileWidth: 322,
  tileHeight: 323,
  tilePlaces: 324,
  tileSizes: 325,
  extra: 338,
  format: 339,
} as const;

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly samples: number;
  readonly photometric: number;
  readonly planes: number;
  readonly little: boolean;
}

/** The first picture of the file, as stored, not turned. Throws `image-undecodable`. */
export function decodeTiff(bytes: Uint8Array): RgbImage {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof GroundworkError) throw error;
    throw damaged();
  }
}

function decode(bytes: Uint8Array): RgbImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = entriesOf(view);
  const head = entries && tiffHead(entries);
  if (!entries || !head) throw damaged();
  const { width, height } = head.size;
  // LZW packs 4,096 values into 12 bits at best.
  if (claimsTooMuch(width * height, bytes.length, 8 * 2731)) throw damaged();
  const one = (tag: number, fallback: number) => entries.get(tag)?.[0] ?? fallback;
  const depths = entries.get(TAG.bits) ?? [1];
  const layout: Layout = {
    width,
    height,
    bits: depths[0]!,
    samples: one(TAG.samples, 1),
    photometric: one(TAG.photometric, 1),
    planes: one(TAG.planar, 1) === 2 ? one(TAG.samples, 1) : 1,
    little: head.little,
  };
  refuseUnread(layout, depths, entries);
  const rows = samplesOf(bytes, layout, entries);
  return { width, height, data: toRgb(rows, layout, entries) };
}

function refuseUnread({ bits, samples, photometric }: Layout, depths: readonly number[], entries: TiffEntries): void {
  const compression = entries.get(TAG.compression)?.[0] ?? 1;
  const kind = COLOURS.get(photometric);
  const unread =
    whyTiffUnread({ compression, photometric, bits }) ??
    (depths.some((depth) => depth !== bits) || (kind && samples < kind.samples)
      ? `of ${depths.join(', ')} bits a sample`
      : (entries.get(TAG.format) ?? []).some((format) => format !== 1)
        ? 'of numbers that are not whole'
        : null);
  if (unread !== null)
    throw new GroundworkError('image-undecodable', `A TIFF is ${unread}, which is not read.`, 'Convert it to PNG.');
}

/** One sample a value, [height, width, samples]; of 16 bits the upper byte, but grey alone is cut off at 255, as Pillow does. */
function samplesOf(bytes: Uint8Array, layout: Layout, entries: TiffEntries): Uint8Array {
  const { width, height, samples, planes, bits } = layout;
  const tiled = entries.has(TAG.tilePlaces);
  const one = (tag: number, fallback: number) => entries.get(tag)?.[0] ?? fallback;
  const blockWidth = tiled ? one(TAG.tileWidth, 0) : width;
  const blockHeight = tiled ? one(TAG.tileHeight, 0) : Math.min(height, one(TAG.rowsPerStrip, height));
  if (blockWidth < 1 || blockHeight < 1 || blockWidth * blockHeight > MOST_PIXELS) throw damaged();
  const places = entries.get(tiled ? TAG.tilePlaces : TAG.stripPlaces) ?? [];
  const sizes = entries.get(tiled ? TAG.tileSizes : TAG.stripSizes) ?? [];
  const [across, down] = [Math.ceil(width / blockWidth), Math.ceil(height / blockHeight)];
  const together = planes > 1 ? 1 : samples;
  const rowBytes = Math.ceil((blockWidth * together * bits) / 8);
  const out = new Uint8Array(width * height * samples);
  for (let plane = 0; plane < planes; plane++)
    for (let block = 0; block < across * down; block++) {
      const [x0, y0] = [(block % across) * blockWidth, Math.floor(block / across) * blockHeight];
      const rows = tiled ? blockHeight : Math.min(blockHeight, height - y0);
      const [at, size] = [places[plane * across * down + block], sizes[plane * across * down + block]];
      if (at === undefined || size === undefined || at + size > bytes.length) throw damaged();
      const raw = unpacked(bytes.subarray(at, at + size), rowBytes * rows, one(TAG.compression, 1));
      if (one(TAG.predictor, 1) === 2)
        undoPredictor(raw, { rowBytes, rows, step: together, bits, little: layout.little });
      for (let y = 0; y < Math.min(rows, height - y0); y++)
        for (let x = 0; x < Math.min(blockWidth, width - x0); x++)
          for (let s = 0; s < together; s++)
            out[((y0 + y) * width + x0 + x) * samples + plane + s] = sampleAt(
              raw,
              y * rowBytes,
              x * together + s,
              layout,
            );
    }
  return out;
}

function sampleAt(raw: Uint8Array, row: number, i: number, { bits, little, samples }: Layout): number {
  if (bits === 8) return raw[row + i]!;
  if (bits === 16) {
    const [high, low] = little
      ? [raw[row + 2 * i + 1]!, raw[row + 2 * i]!]
      : [raw[row + 2 * i]!, raw[row + 2 * i + 1]!];
    return samples > 1 ? high : high > 0 ? 255 : low;
  }
  const perByte = 8 / bits;
  return (raw[row + Math.floor(i / perByte)]! >> (8 - bits * ((i % perByte) + 1))) & (2 ** bits - 1);
}

function unpacked(packed: Uint8Array, size: number, compression: number): Uint8Array {
  const raw =
    compression === 1
      ? packed.slice(0, size)
      : compression === 5
        ? unpackLzw(packed, size)
        : compression === 32_773
          ? unpackRuns(packed, size)
          : unzlibSync(packed, { out: new Uint8Array(size) });
  if (raw.length < size) throw damaged();
  return raw;
}

interface Rows {
  readonly rowBytes: number;
  readonly rows: number;
  /** Samples of a pixel. */
  readonly step: number;
  readonly bits: number;
  readonly little: boolean;
}

/** Each sample was stored less the one before it in its row. */
function undoPredictor(raw: Uint8Array, { rowBytes, rows, step, bits, little }: Rows): void {
  if (bits < 8) throw damaged();
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let y = 0; y < rows; y++)
    if (bits === 8) for (let i = step; i < rowBytes; i++) raw[y * rowBytes + i]! += raw[y * rowBytes + i - step]!;
    else
      for (let i = 2 * step; i + 1 < rowBytes; i += 2) {
        const at = y * rowBytes + i;
        view.setUint16(at, view.getUint16(at, little) + view.getUint16(at - 2 * step, little), little);
      }
}

function unpackRuns(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let to = 0;
  for (let at = 0; at < packed.length && to < size;) {
    const count = packed[at++]!;
    if (count < 128) {
      out.set(packed.subarray(at, at + Math.min(count + 1, size - to)), to);
      at += count + 1;
      to += count + 1;
    } else if (count > 128) {
      out.fill(packed[at++] ?? 0, to, to + 257 - count);
      to += 257 - count;
    }
  }
  if (to < size) throw damaged();
  return out;
}

const CLEAR = 256;
const END = 257;
const LARGEST = 4096;

/** LZW as TIFF has it: the highest bit first, and a code grows one entry earlier than in a GIF. */
function unpackLzw(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  const [prefix, last, length] = [new Int16Array(LARGEST), new Uint8Array(LARGEST), new Uint16Array(LARGEST)];
  for (let i = 0; i < CLEAR; i++) [prefix[i], last[i], length[i]] = [-1, i, 1];
  let [next, width, before, to, held, count] = [END + 1, 9, -1, 0, 0, 0];
  const put = (code: number): number => {
    let c = code;
    for (let i = length[code]! - 1; i >= 0; i--) {
      if (to + i < size) out[to + i] = last[c]!;
      if (i > 0) c = prefix[c]!;
    }
    to += length[code]!;
    return last[c]!;
  };
  const firstOf = (code: number): number => {
    let c = code;
    while (prefix[c]! >= 0) c = prefix[c]!;
    return last[c]!;
  };
  for (const byte of packed) {
    held = ((held << 8) | byte) & 0xffffff;
    count += 8;
    if (count < width) continue;
    count -= width;
    const code = (held >> count) & (2 ** width - 1);
    if (code === END || to >= size) break;
    if (code === CLEAR) {
      [next, width, before] = [END + 1, 9, -1];
      continue;
    }
    if (code > next || (code >= next && before < 0)) throw damaged();
    if (before >= 0 && next < LARGEST) {
      [prefix[next], last[next], length[next]] = [before, firstOf(code === next ? before : code), length[before]! + 1];
      next++;
    }
    if (next + 1 >= 2 ** width && width < 12) width++;
    put(code);
    before = code;
  }
  if (to < size) throw damaged();
  return out;
}

function toRgb(
  values: Uint8Array,
  { bits, samples, photometric }: Layout,
  entries: TiffEntries,
): Uint8Array<ArrayBuffer> {
  const count = values.length / samples;
  const out = new Uint8Array(count * 3);
  const palette = entries.get(TAG.palette) ?? [];
  const most = bits === 16 ? 255 : 2 ** bits - 1;
  const premultiplied = photometric === 2 && samples > 3 && entries.get(TAG.extra)?.[0] === 1;
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) {
      const at = i * samples;
      const value = values[at + (photometric === 2 || photometric === 5 ? c : 0)]!;
      out[i * 3 + c] =
        photometric === 2
          ? premultiplied
            ? divided(value, values[at + 3]!)
            : value
          : photometric === 5
            ? light(value, values[at + 3]!)
            : photometric === 3
              ? (palette[c * (palette.length / 3) + value] ?? 0) >> 8
              : Math.floor(((photometric === 0 ? most - value : value) * 255) / most);
    }
  return out;
}

/** A colour that was multiplied by alpha, given back as Pillow does. */
const divided = (value: number, alpha: number): number =>
  alpha === 0 || alpha === 255 ? value : Math.min(255, Math.floor((value * 255) / alpha));

/** What an ink and black leave of light, by Pillow's formula. */
function light(ink: number, black: number): number {
  const left = 255 - black;
  const product = ink * left + 128;
  return Math.max(0, left - (((product >> 8) + product) >> 8));
}

const damaged = (): GroundworkError =>
  new GroundworkError(
    'image-undecodable',
    'A TIFF could not be decoded.',
    'The file is damaged or was cut off: replace it.',
  );
