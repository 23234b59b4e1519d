/**
 * What a Parquet file claims, held against its bytes before hyparquet decodes it, which allocates and repeats whatever a
 * header says. Pages and their headers are read here as far as their counts go; no value is decoded.
 * Source: the Parquet format's README, `Encodings.md` and `parquet.thrift`; Thrift's compact protocol.
 */
import { gunzipSync } from 'fflate';
import type { ColumnMetaData, FileMetaData } from 'hyparquet';

/** Values in a row group, however small the file is, and those that each of its bytes adds: runs pack many into a few. */
const FREE_VALUES = 2 ** 20;
const VALUES_IN_BYTE = 64;
/** DEFLATE packs at most 1,032 bytes into one, Snappy fewer. */
const MOST_PACKED = 1100;
const DEEPEST = 64;

/** Levels of a column: bits of its repetition and definition levels follow from them. */
export interface Levels {
  readonly repetition: number;
  readonly definition: number;
}

/** Columns that a schema describes, by path: it lists what is inside something right behind it. Null: nested too deep. */
export function leavesOf(schema: FileMetaData['schema']): Map<string, Levels> | null {
  const leaves = new Map<string, Levels>();
  let next = 1;
  const walk = (children: number, above: string, levels: Levels, depth: number): boolean => {
    if (depth > DEEPEST) return false;
    for (let i = 0; i < children && next < schema.length; i++) {
      const { name, num_children: inside = 0, repetition_type: repeats } = schema[next++]!;
      const path = above === '' ? name : `${above}.${name}`;
      const mine = {
        repetition: levels.repetition + (repeats === 'REPEATED' ? 1 : 0),
        definition: levels.definition + (repeats === 'REQUIRED' ? 0 : 1),
      };
      if (inside <= 0) leaves.set(path, mine);
      else if (!walk(inside, path, mine, depth + 1)) return false;
    }
    return true;
  };
  return walk(schema[0]?.num_children ?? 0, '', { repetition: 0, definition: 0 }, 0) ? leaves : null;
}

type Field = number | Uint8Array | Struct | readonly Field[] | null;
type Struct = ReadonlyMap<number, Field>;

/** Said of what does not hold; caught in this file. */
class Misclaim extends Error {}

/** Structs of Thrift's compact protocol. A list is no longer than the bytes that are left, a number no longer than 64 bits. */
class Thrift {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  struct(depth = 0): Struct {
    if (depth > DEEPEST) throw new Misclaim('its metadata is nested too deep');
    const fields = new Map<number, Field>();
    for (let id = 0; ;) {
      const head = this.byte();
      const kind = head & 15;
      if (kind === 0) return fields;
      id = head >> 4 ? id + (head >> 4) : this.#zigzag();
      fields.set(id, kind <= 2 ? kind : this.#value(kind, depth));
    }
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Misclaim('its metadata is cut off');
    return byte;
  }

  /** A whole number of up to 64 bits; beyond 2^53 it is no longer exact, and beyond every limit. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Misclaim('a number of its metadata is longer than 64 bits');
  }

  #zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #take(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) throw new Misclaim('its metadata is cut off');
    return this.#bytes.subarray(this.at, (this.at += length));
  }

  #value(kind: number, depth: number): Field {
    if (kind <= 3) return this.byte();
    if (kind <= 6) return this.#zigzag();
    if (kind === 7) return this.#take(8);
    if (kind === 8) return this.#take(this.varint());
    if (kind === 12) return this.struct(depth + 1);
    if (kind !== 9) throw new Misclaim('its metadata has a kind of value that Parquet has none of');
    const head = this.byte();
    const length = head >> 4 === 15 ? this.varint() : head >> 4;
    if (length > this.#bytes.length - this.at) throw new Misclaim('a list of its metadata is longer than the file');
    if (depth > DEEPEST) throw new Misclaim('its metadata is nested too deep');
    return Array.from({ length }, () => this.#value(head & 15, depth + 1));
  }
}

/** Why the metadata at a file's end cannot be read, or null. */
export async function footerMisfit(blob: Blob): Promise<string | null> {
  const end = new DataView(await blob.slice(-8).arrayBuffer());
  if (end.byteLength < 8) return 'it is too short';
  const length = end.getUint32(0, true);
  if (length > blob.size - 8) return 'its metadata is longer than the file';
  const bytes = new Uint8Array(await blob.slice(blob.size - 8 - length, blob.size - 8).arrayBuffer());
  return said(() => void new Thrift(bytes).struct());
}

function said(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why a row group holds more than its bytes can, by what its metadata says; null where it may be right. */
export function groupMisfit(
  { columns, num_rows: rows }: FileMetaData['row_groups'][number],
  size: number,
): string | null {
  let sum = 0;
  for (const { meta_data: about } of columns) {
    const values = Number(about?.num_values);
    if (!Number.isSafeInteger(values) || values < Number(rows)) return 'it names an impossible number of values';
    sum += values;
  }
  return columns.length > 0 && sum > FREE_VALUES + size * VALUES_IN_BYTE
    ? `it claims ${sum} values, more than ${size} bytes hold`
    : null;
}

const bitsOf = (value: number): number => 32 - Math.clz32(value);

/** Numbers of values in runs and groups of eight: none may be far longer than what is asked for. */
function checkRuns(bytes: Uint8Array, start: number, width: number, values: number): void {
  if (width > 32) throw new Misclaim('a page has values of an impossible width');
  const reader = new Thrift(bytes, start);
  for (let seen = 0; seen < values && reader.at < bytes.length;) {
    const head = reader.varint();
    const packed = head % 2 === 1;
    const count = Math.floor(head / 2) * (packed ? 8 : 1);
    seen += count;
    // Writers fill the last group up.
    if (seen > 2 * values + 1024) throw new Misclaim('a page repeats a value more often than it has values');
    reader.at += packed ? (count / 8) * width : (width + 7) >> 3;
  }
}

interface Page {
  readonly bytes: Uint8Array;
  readonly values: number;
  readonly encoding: number;
  readonly levels: Levels;
  readonly boolean: boolean;
}

/** Encodings by their numbers in parquet.thrift. */
const [DICTIONARY, RUNS, RUN_DICTIONARY] = [2, 3, 8];

function checkValues({ bytes, values, encoding, boolean }: Page, at: number): void {
  if (encoding === RUNS) checkRuns(bytes, at + 4, 1, values);
  else if ((encoding === DICTIONARY || encoding === RUN_DICTIONARY) && at < bytes.length)
    checkRuns(bytes, boolean ? at + 4 : at + 1, boolean ? 1 : bytes[at]!, values);
}

/** A page of the first version: levels with their lengths before them, then values. */
function checkPage(page: Page): void {
  const { bytes, values, levels } = page;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (const level of [levels.repetition, levels.definition]) {
    if (level === 0) continue;
    if (at + 4 > bytes.length) throw new Misclaim('a page is cut off');
    checkRuns(bytes, at + 4, bitsOf(level), values);
    at += 4 + view.getUint32(at, true);
  }
  checkValues(page, at);
}

type Codec = ColumnMetaData['codec'];
export type Decompress = (bytes: Uint8Array, length: number, codec: Codec) => Uint8Array;

export const gunzipped = (input: Uint8Array, length: number): Uint8Array =>
  gunzipSync(input, { out: new Uint8Array(length) });

/**
 * Why the pages of a column are not what they claim, or null. `chunk`: the column's bytes in the file, which begin at
 * `offset`; `index`: the bytes of its offset index, which must name these pages.
 */
export function pagesMisfit(
  chunk: Uint8Array,
  offset: number,
  { codec, num_values: claimed, type }: ColumnMetaData,
  levels: Levels,
  decompress: Decompress,
  index: Uint8Array | null,
): string | null {
  return said(() => {
    const reader = new Thrift(chunk);
    const starts = new Set<number>();
    let left = Number(claimed);
    const boolean = type === 'BOOLEAN';
    while (reader.at < chunk.length - 1) {
      starts.add(reader.at);
      const header = reader.struct();
      const number = (of: Struct, id: number): number => {
        const value = of.get(id);
        if (typeof value !== 'number' || value < 0) throw new Misclaim('a page says an impossible size');
        return value;
      };
      const [kind, unpacked, packed] = [number(header, 1), number(header, 2), number(header, 3)];
      const start = reader.at;
      if (start + packed > chunk.length) throw new Misclaim('a page is longer than its column');
      if (unpacked > packed * MOST_PACKED + 1024)
        throw new Misclaim('a page claims more bytes than it can be packed of');
      const body = chunk.subarray(start, (reader.at += packed));
      const about = header.get(kind === 0 ? 5 : kind === 2 ? 7 : 8);
      if (kind === 1) continue;
      if (!(about instanceof Map)) throw new Misclaim('a page is not described');
      const values = number(about as Struct, 1);
      if (kind === 2) {
        if (values > unpacked) throw new Misclaim('a dictionary claims more values than bytes');
        continue;
      }
      left -= values;
      if (left < 0) throw new Misclaim('its pages claim more values than the column has');
      const wide = (bytes: Uint8Array, encoding: number): Page => ({ bytes, values, encoding, levels, boolean });
      if (kind === 0) {
        checkPage(wide(decompress(body, unpacked, codec), number(about as Struct, 2)));
        continue;
      }
      const [nulls, rows] = [number(about as Struct, 2), number(about as Struct, 3)];
      const [definitions, repetitions] = [number(about as Struct, 5), number(about as Struct, 6)];
      if (nulls > values || rows > values || definitions + repetitions > Math.min(packed, unpacked))
        throw new Misclaim('a page says an impossible size');
      if (levels.repetition) checkRuns(body.subarray(0, repetitions), 0, bitsOf(levels.repetition), values);
      if (levels.definition)
        checkRuns(body.subarray(repetitions, repetitions + definitions), 0, bitsOf(levels.definition), values);
      const rest = body.subarray(repetitions + definitions);
      const plain = (about as Struct).get(7) === 2;
      const length = unpacked - definitions - repetitions;
      checkValues(wide(plain ? rest : decompress(rest, length, codec), number(about as Struct, 4)), 0);
    }
    const locations = index ? new Thrift(index).struct().get(1) : [];
    if (!Array.isArray(locations)) throw new Misclaim('its page index names no pages');
    for (const location of locations as readonly Field[])
      if (!(location instanceof Map) || !starts.has((location.get(1) as number) - offset))
        throw new Misclaim('its page index names pages that there are not');
  });
}
