/**
 * safetensors: an 8-byte little-endian header length, a JSON header, then the tensors' bytes without a gap. Reading
 * is by random access, one tensor or a part of one at a time; the checks are those of the Rust reference
 * (huggingface/safetensors, `Metadata::validate`) plus duplicate keys. Writing is in safetensors-writer.ts.
 */
import { DEFECT } from '../base/error-codes.ts';
import { GroundworkError } from '../base/error.ts';
import { isObject, parseShallow } from '../base/json.ts';
import type { ByteSource, Bytes } from './byte-source.ts';
import { duplicateKey } from './duplicate-keys.ts';
import { bf16ArrayToF16, bf16ArrayToF32, f16ArrayToF32, f32ArrayToF16, type Halves } from './half.ts';

/** Bytes an element. */
export const DTYPE_BYTES = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;
export type Dtype = keyof typeof DTYPE_BYTES;

/** Whether `toFloat32` reads it. */
export const isFloat = (dtype: Dtype): boolean => ['F64', 'F32', 'F16', 'BF16'].includes(dtype);

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Where its bytes begin in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface Safetensors {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  /** A tensor's bytes. Throws `tensor-missing`. */
  read(name: string): Promise<Bytes>;
  /** Rows `first` to `first + count` of the first axis, for tensors too large to hold. */
  readRows(name: string, first: number, count: number): Promise<Bytes>;
}

const MAX_HEADER_BYTES = 100_000_000; // the reference's limit

const bad = (label: string, what: string, cause?: unknown) =>
  new GroundworkError(
    'safetensors-invalid',
    `${label}: ${what}`,
    'The file is damaged, or it is not a safetensors file. Download it again.',
    { cause },
  );

export const elementCount = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function parseTensor(name: string, value: unknown, dataStart: number, label: string): TensorInfo {
  if (!isObject(value)) throw bad(label, `the entry of “${name}” is not an object.`);
  const { dtype, shape, data_offsets: range } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype))
    throw new GroundworkError(
      'safetensors-dtype',
      `${label}: “${name}” has the unknown dtype ${JSON.stringify(dtype)}.`,
      'Save the weights as F32, F16 or BF16.',
    );
  if (!Array.isArray(shape) || !shape.every(isCount)) throw bad(label, `“${name}” has a malformed shape.`);
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount))
    throw bad(label, `“${name}” has malformed data_offsets.`);
  const [begin, end] = range as [number, number];
  const byteLength = elementCount(shape) * DTYPE_BYTES[dtype as Dtype];
  if (!Number.isSafeInteger(byteLength) || end - begin !== byteLength)
    throw bad(
      label,
      `“${name}” is ${dtype} [${shape.join(', ')}], ${byteLength} bytes, but its offsets span ${end - begin}.`,
    );
  return { name, dtype: dtype as Dtype, shape, offset: dataStart + begin, byteLength };
}

/** The tensors tile the data part exactly: no overlap, no hole, nothing beyond the end. */
function requireTiling(tensors: readonly TensorInfo[], dataStart: number, size: number, label: string): void {
  let at = dataStart;
  for (const { name, offset, byteLength } of tensors) {
    if (offset !== at)
      throw bad(label, `“${name}” ${offset < at ? 'overlaps the tensor before it' : 'leaves a hole before it'}.`);
    at += byteLength;
  }
  if (at > size)
    throw new GroundworkError(
      'file-truncated',
      `${label}: ${size} bytes, but its header describes ${at}.`,
      'The download is incomplete. Download the file again.',
    );
  if (at < size) throw bad(label, `${size - at} bytes follow the last tensor.`);
}

/** Reads and checks the header. `label` names the file in messages. Throws safetensors-* or `file-truncated`. */
export async function openSafetensors(source: ByteSource, label = 'file'): Promise<Safetensors> {
  if (source.size < 8)
    throw new GroundworkError(
      'file-truncated',
      `${label}: a file of ${source.size} bytes is not a safetensors file.`,
      'Download it again.',
    );
  const prefix = await source.read(0, 8);
  const headerBytes = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES)
    throw bad(label, `its header would be ${headerBytes} bytes; the limit is ${MAX_HEADER_BYTES}.`);
  if (headerBytes + 8 > source.size)
    throw new GroundworkError(
      'file-truncated',
      `${label}: the header ends beyond the file.`,
      'The download is incomplete. Download the file again.',
    );
  let header: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await source.read(8, headerBytes));
    header = parseShallow(text);
  } catch (cause) {
    if (cause instanceof GroundworkError) throw cause;
    throw bad(label, 'its header is not JSON.', cause);
  }
  if (!isObject(header)) throw bad(label, 'its header is not a JSON object.');
  const twice = duplicateKey(text);
  if (twice !== null) throw bad(label, `“${twice}” appears twice in the header.`);

  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(isObject(header.__metadata__) ? header.__metadata__ : {})) {
    if (typeof value !== 'string') throw bad(label, `metadata “${key}” is not a string.`);
    metadata[key] = value;
  }
  const dataStart = 8 + headerBytes;
  const list = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => parseTensor(name, value, dataStart, label))
    .sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  requireTiling(list, dataStart, source.size, label);

  const tensors = new Map(list.map((tensor) => [tensor.name, tensor]));
  const find = (name: string): TensorInfo => {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new GroundworkError(
        'tensor-missing',
        `${label} has no tensor “${name}”.`,
        'The weights do not belong to this model.',
      );
    return tensor;
  };
  return {
    tensors,
    metadata,
    read: async (name) => {
      const { offset, byteLength } = find(name);
      return source.read(offset, byteLength);
    },
    readRows: async (name, first, count) => {
      const { shape, offset, byteLength } = find(name);
      const rows = shape[0] ?? 1;
      if (!(isCount(first) && isCount(count) && first + count <= rows))
        throw new GroundworkError(
          'internal',
          `Rows ${first}–${first + count} of “${name}” [${shape.join(', ')}].`,
          DEFECT,
        );
      const rowBytes = rows ? byteLength / rows : 0;
      return source.read(offset + first * rowBytes, count * rowBytes);
    },
  };
}

/** Typed views need aligned bytes; what comes from a Blob is, a slice of something larger may not be. */
const aligned = (bytes: Uint8Array, alignment: number): Uint8Array =>
  bytes.byteOffset % alignment ? new Uint8Array(bytes) : bytes;

const words = (bytes: Uint8Array): Uint16Array => {
  const b = aligned(bytes, 2);
  return new Uint16Array(b.buffer, b.byteOffset, b.byteLength >>> 1);
};

const notFloat = (dtype: Dtype) =>
  new GroundworkError(
    'safetensors-dtype',
    `${dtype} weights are not supported.`,
    'Save the weights as F32, F16 or BF16.',
  );

/** A float tensor's bytes as f32. F32 may share the input's memory. Throws `safetensors-dtype` for others. */
export function toFloat32(bytes: Uint8Array, dtype: Dtype): Float32Array {
  if (dtype === 'BF16') return bf16ArrayToF32(words(bytes));
  if (dtype === 'F16') return f16ArrayToF32(words(bytes));
  const b = aligned(bytes, DTYPE_BYTES[dtype]);
  if (dtype === 'F32') return new Float32Array(b.buffer, b.byteOffset, b.byteLength >>> 2);
  if (dtype === 'F64') return Float32Array.from(new Float64Array(b.buffer, b.byteOffset, b.byteLength >>> 3));
  throw notFloat(dtype);
}

/** A float tensor's bytes as f16 bits; `overflowed` counts finite values beyond ±65504. F16 may share memory. */
export function toHalf(bytes: Uint8Array, dtype: Dtype): Halves {
  if (dtype === 'F16') return { bits: words(bytes) as Uint16Array<ArrayBuffer>, overflowed: 0 };
  if (dtype === 'BF16') return bf16ArrayToF16(words(bytes));
  return f32ArrayToF16(toFloat32(bytes, dtype));
}
