/**
 * Size and turning of an AVIF from its boxes, without decoding it. What turns it are its own properties (irot, imir);
 * Pillow and browsers heed these, and pass EXIF by.
 * Source: ISO/IEC 23008-12 (HEIF) §6.5, ISO/IEC 23000-22 (MIAF); Pillow 12 `_avif.c` for the orientation's number.
 */
import type { Size } from '../grounding/box.ts';

export interface AvifHead {
  /** As stored. */
  readonly size: Size;
  /** As EXIF numbers it, 1–8. */
  readonly orientation: number;
  readonly hasAlpha: boolean;
}

interface Box {
  readonly type: string;
  readonly body: DataView;
}

/** By quarter turns against the clock; then by mirroring top to bottom, and left to right. */
const TURNED = [1, 8, 3, 6];
const MIRRORED = [
  [4, 5, 2, 7],
  [2, 7, 4, 5],
];

/** @param meta the body of the file's `meta` box; null for what does not describe a picture */
export function avifHead(meta: DataView): AvifHead | null {
  try {
    return readHead(meta);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readHead(meta: DataView): AvifHead | null {
  const boxes = boxesOf(meta, 4);
  const primary = idOf(boxes.find(({ type }) => type === 'pitm')?.body);
  const properties = boxesOf(boxes.find(({ type }) => type === 'iprp')?.body ?? EMPTY);
  const all = boxesOf(properties.find(({ type }) => type === 'ipco')?.body ?? EMPTY);
  const associations = properties.filter(({ type }) => type === 'ipma').map(({ body }) => body);
  const mine = (primary === null ? [] : associations.flatMap((box) => associated(box, primary))).flatMap(
    (index) => all[index - 1] ?? [],
  );
  const extent = mine.find(({ type }) => type === 'ispe')?.body;
  if (!extent) return null;
  const [turn, mirror] = ['irot', 'imir'].map((type) => mine.find((box) => box.type === type)?.body.getUint8(0));
  const quarter = (turn ?? 0) & 3;
  return {
    size: { width: extent.getUint32(4), height: extent.getUint32(8) },
    orientation: mirror === undefined ? TURNED[quarter]! : MIRRORED[mirror & 1]![quarter]!,
    hasAlpha: boxesOf(boxes.find(({ type }) => type === 'iref')?.body ?? EMPTY, 4).some(({ type }) => type === 'auxl'),
  };
}

const EMPTY = new DataView(new ArrayBuffer(0));

function boxesOf(data: DataView, from = 0): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at + 8 <= data.byteLength;) {
    const size = data.getUint32(at);
    if (size < 8 || at + size > data.byteLength) break;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((i) => data.getUint8(at + i)));
    boxes.push({ type, body: new DataView(data.buffer, data.byteOffset + at + 8, size - 8) });
    at += size;
  }
  return boxes;
}

const idOf = (pitm: DataView | undefined): number | null => {
  if (!pitm) return null;
  return pitm.getUint8(0) === 0 ? pitm.getUint16(4) : pitm.getUint32(4);
};

/** Numbers of the properties, from 1, of an item. */
function associated(ipma: DataView, item: number): number[] {
  const [wideIds, wideIndices] = [ipma.getUint8(0) > 0, (ipma.getUint8(3) & 1) === 1];
  let at = 8;
  for (let entries = ipma.getUint32(4); entries > 0; entries--) {
    const id = wideIds ? ipma.getUint32(at) : ipma.getUint16(at);
    at += wideIds ? 4 : 2;
    const count = ipma.getUint8(at++);
    const indices = Array.from({ length: count }, (_, i) =>
      wideIndices ? ipma.getUint16(at + 2 * i) & 0x7fff : ipma.getUint8(at + i) & 0x7f,
    );
    if (id === item) return indices;
    at += count * (wideIndices ? 2 : 1);
  }
  return [];
}
