/** The first directory of a TIFF: its entries as numbers, and what is asked before anything is decoded. */
import type { Size } from '../grounding/box.ts';

/** Tag → values; entries of text or fractions are left out. */
export type TiffEntries = ReadonlyMap<number, readonly number[]> & { readonly little?: boolean };

export interface TiffHead {
  /** As stored. */
  readonly size: Size;
  readonly orientation: number;
  readonly little: boolean;
}

/** By the number of the photometric interpretation: samples that are needed, and bits of a sample that are read. */
export const COLOURS: ReadonlyMap<number, { readonly samples: number; readonly bits: readonly number[] }> = new Map([
  [0, { samples: 1, bits: [1, 4, 8] }],
  [1, { samples: 1, bits: [1, 4, 8, 16] }],
  [2, { samples: 3, bits: [8, 16] }],
  [3, { samples: 1, bits: [1, 4, 8] }],
  [5, { samples: 4, bits: [8] }],
]);

/** Plain, LZW, Deflate under both its numbers, and runs. */
const READ = [1, 5, 8, 32_946, 32_773];

/** Names of what is not read, by the number of the compression. */
const COMPRESSIONS: Readonly<Record<number, string>> = {
  2: 'CCITT',
  3: 'fax (Group 3)',
  4: 'fax (Group 4)',
  6: 'old JPEG',
  7: 'JPEG',
  34_712: 'JPEG 2000',
  34_887: 'LERC',
  50_000: 'Zstandard',
  50_001: 'WebP',
};

/** Why a TIFF of such kind is not read, as the end of a sentence; null: it is. */
export function whyTiffUnread(kind: {
  readonly compression: number;
  readonly photometric: number;
  readonly bits: number;
}): string | null {
  const { compression, photometric, bits } = kind;
  if (!READ.includes(compression))
    return `packed by ${COMPRESSIONS[compression] ?? `a way of its own (${compression})`}`;
  const colours = COLOURS.get(photometric);
  if (!colours) return `of colours that are given in a rare way (${photometric})`;
  return colours.bits.includes(bits) ? null : `of ${bits} bits a sample`;
}

/** Bytes of a value by its type: those of whole numbers. */
const BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4 };

class Entries extends Map<number, readonly number[]> {
  readonly little: boolean;

  constructor(little: boolean) {
    super();
    this.little = little;
  }
}

/** Null for what is no TIFF, or is cut off before its directory ends. @throws RangeError where values lie outside */
export function entriesOf(view: DataView): TiffEntries | null {
  if (view.byteLength < 8) return null;
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return null;
  const count = view.getUint16(directory, little);
  if (directory + 2 + 12 * count > view.byteLength) return null;
  const entries = new Entries(little);
  for (let i = 0; i < count; i++) {
    const at = directory + 2 + 12 * i;
    const [tag, type, length] = [
      view.getUint16(at, little),
      view.getUint16(at + 2, little),
      view.getUint32(at + 4, little),
    ];
    const bytes = BYTES[type];
    if (bytes === undefined || length > view.byteLength) continue;
    const from = bytes * length > 4 ? view.getUint32(at + 8, little) : at + 8;
    entries.set(
      tag,
      Array.from({ length }, (_, k) =>
        bytes === 1
          ? view.getUint8(from + k)
          : bytes === 2
            ? view.getUint16(from + 2 * k, little)
            : view.getUint32(from + 4 * k, little),
      ),
    );
  }
  return entries;
}

export function tiffHead(entries: TiffEntries): TiffHead | null {
  const one = (tag: number) => entries.get(tag)?.[0];
  const [width, height, orientation = 1] = [one(256), one(257), one(274)];
  if (!width || !height) return null;
  return {
    size: { width, height },
    orientation: orientation >= 1 && orientation <= 8 ? orientation : 1,
    little: entries.little === true,
  };
}
