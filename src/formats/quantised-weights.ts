/**
 * Checkpoints whose weights were quantised elsewhere, read as the floats that their codes stand for: bitsandbytes' 4 bits
 * (NF4 and FP4, with double quantisation) and 8 bits, and FP8 with a scale for a tensor, a row or a block. The model's
 * own storage then quantises as it is asked to. AWQ and GPTQ are refused by name.
 *
 * Sources: bitsandbytes 0.45 `functional.py` (QuantState.from_dict, dequantize_4bit, int8 rows), transformers 5.18
 * `integrations/finegrained_fp8.py`, compressed-tensors' float-quantized format.
 */
import { printed } from '../base/json.ts';
import { GroundworkError } from '../base/error.ts';
import { parseShallow } from '../base/json.ts';
import type { Bytes } from './byte-source.ts';
import type { CheckpointWeights } from './checkpoint-files.ts';
import { f32ArrayToBf16, f32ArrayToF16 } from './half.ts';
import { DTYPE_BYTES, elementCount, toFloat32, type Dtype, type TensorInfo } from './safetensors.ts';

type FloatDtype = 'F32' | 'F16' | 'BF16';

/** Rows first … first + count of a matrix as floats. */
type RowReader = (first: number, count: number) => Promise<Float32Array>;

interface Quantised {
  readonly shape: readonly number[];
  readonly dtype: FloatDtype;
  readonly kind: 'bitsandbytes, 4 bits' | 'bitsandbytes, 8 bits' | 'FP8';
  /** Tensors that belong to it and are none of the model's. */
  readonly companions: readonly string[];
  readonly rows: RowReader;
}

export interface ReadableWeights {
  readonly checkpoint: CheckpointWeights;
  /** What was read out of codes, in a whole sentence; empty where nothing was. */
  readonly notes: readonly string[];
}

const DTYPES: Readonly<Record<string, FloatDtype>> = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' };

/**
 * @param config config.json: `quantization_config` names the way
 * @throws GroundworkError `checkpoint-quantised` for ways that are not read; `checkpoint-invalid`
 */
export async function readableWeights(
  checkpoint: CheckpointWeights,
  config: Readonly<Record<string, unknown>>,
): Promise<ReadableWeights> {
  refuseUnread(config);
  const dtype = DTYPES[printed(config['dtype'] ?? config['torch_dtype'])] ?? 'F32';
  const quantised = new Map<string, Quantised>();
  for (const info of checkpoint.tensors.values()) {
    const found =
      (await fourBits(checkpoint, info)) ?? eightBits(checkpoint, info, dtype) ?? fp8(checkpoint, info, dtype);
    if (found) quantised.set(info.name, found);
  }
  if (!quantised.size) return { checkpoint, notes: [] };
  const companions = new Set([...quantised.values()].flatMap((q) => q.companions));
  const tensors = new Map(
    [...checkpoint.tensors.values()].flatMap((info): [string, TensorInfo][] => {
      if (companions.has(info.name)) return [];
      const q = quantised.get(info.name);
      if (!q) return [[info.name, info]];
      const byteLength = elementCount(q.shape) * DTYPE_BYTES[q.dtype];
      return [[info.name, { ...info, dtype: q.dtype, shape: q.shape, byteLength }]];
    }),
  );
  const readRows = async (name: string, first: number, count: number): Promise<Bytes> => {
    const q = quantised.get(name);
    return q ? asBytes(await q.rows(first, count), q.dtype) : checkpoint.readRows(name, first, count);
  };
  const kinds = [...new Set([...quantised.values()].map(({ kind }) => kind))].join(' and ');
  return {
    checkpoint: {
      tensors,
      dequantised: true,
      readRows,
      read: (name) =>
        quantised.has(name) ? readRows(name, 0, tensors.get(name)!.shape[0] ?? 1) : checkpoint.read(name),
    },
    notes: [
      `${quantised.size} matrices were quantised elsewhere (${kinds}). They are read as the values their codes stand for; activations are not quantised here.`,
    ],
  };
}

function refuseUnread(config: Readonly<Record<string, unknown>>): void {
  const said = (config['quantization_config'] ?? null) as Readonly<Record<string, unknown>> | null;
  if (said === null) return;
  const method = printed(
    said['quant_method'] ?? (said['load_in_4bit'] || said['load_in_8bit'] ? 'bitsandbytes' : 'unknown'),
  );
  const format = printed(said['format'] ?? '');
  const read =
    ['bitsandbytes', 'fp8'].includes(method) ||
    (method === 'compressed-tensors' && /^(?:float-quantized|naive-quantized)$/.test(format));
  if (read) return;
  throw new GroundworkError(
    'checkpoint-quantised',
    `This checkpoint was quantised with ${method.toUpperCase()}${format ? ` (${format})` : ''}, which Groundwork does not read.`,
    'Take the model it was made from, in BF16 or F16: Groundwork holds it in 4 or 8 bits if you ask for that (int8, int4, nf4). FP8 and bitsandbytes checkpoints are read, too.',
  );
}

const invalid = (name: string, what: string): GroundworkError =>
  new GroundworkError(
    'checkpoint-invalid',
    `${name}: ${what}.`,
    'The quantised checkpoint is damaged or of an unknown version: download it again, or take the unquantised model.',
  );

/** What bitsandbytes saves of a 4-bit matrix besides its codes, as JSON in bytes. */
interface QuantState {
  readonly shape: readonly number[];
  readonly blocksize: number;
  readonly dtype: string;
  readonly nested_blocksize?: number;
  readonly nested_offset?: number;
}

async function fourBits(checkpoint: CheckpointWeights, { name }: TensorInfo): Promise<Quantised | null> {
  const state = ['nf4', 'fp4']
    .map((type) => `${name}.quant_state.bitsandbytes__${type}`)
    .find((key) => checkpoint.tensors.has(key));
  if (state === undefined) return null;
  const { shape, blocksize, dtype, nested_blocksize, nested_offset = 0 } = await quantState(checkpoint, state);
  const columns = shape[1]!;
  const part = (key: string) => `${name}.${key}`;
  const nested = checkpoint.tensors.has(part('nested_absmax'));
  const floats = async (key: string) => {
    const info = checkpoint.tensors.get(part(key));
    if (!info) throw invalid(part(key), 'it is missing');
    return toFloat32(await checkpoint.read(part(key)), info.dtype);
  };
  /** Largest magnitude of every block; doubly quantised ones are codes of another map. */
  const magnitudes = async (): Promise<Float32Array> => {
    if (!nested) return floats('absmax');
    const [codes, map, outer] = [
      await checkpoint.read(part('absmax')),
      await floats('nested_quant_map'),
      await floats('nested_absmax'),
    ];
    const size = nested_blocksize ?? 256;
    return Float32Array.from(
      codes,
      (code, i) => Math.fround(map[code]! * outer[Math.floor(i / size)]!) + nested_offset,
    );
  };
  let known: Promise<readonly [map: Float32Array, absmax: Float32Array]> | null = null;
  return {
    shape,
    dtype: DTYPES[dtype] ?? 'F32',
    kind: 'bitsandbytes, 4 bits',
    companions: [state, ...['absmax', 'quant_map', 'nested_absmax', 'nested_quant_map'].map(part)],
    rows: async (first, count) => {
      known ??= Promise.all([floats('quant_map'), magnitudes()]);
      const [map, absmax] = await known;
      // Rows come from the first to the last: what belongs to a matrix is kept no longer than that.
      if (first + count >= shape[0]!) known = null;
      const from = first * columns;
      const byte = Math.floor(from / 2);
      const bytes = await checkpoint.readRows(name, byte, Math.ceil((from + count * columns) / 2) - byte);
      return Float32Array.from({ length: count * columns }, (_, i) => {
        const at = from + i;
        const code = bytes[Math.floor(at / 2) - byte]!;
        return map[at % 2 ? code & 15 : code >> 4]! * absmax[Math.floor(at / blocksize)]!;
      });
    },
  };
}

async function quantState(checkpoint: CheckpointWeights, key: string): Promise<QuantState> {
  let state: QuantState;
  try {
    state = parseShallow(new TextDecoder().decode(await checkpoint.read(key))) as QuantState;
  } catch {
    throw invalid(key, 'it is not JSON');
  }
  const { shape, blocksize, dtype } = state ?? {};
  const whole = (n: unknown) => Number.isInteger(n) && (n as number) > 0;
  if (
    !Array.isArray(shape) ||
    shape.length !== 2 ||
    !shape.every(whole) ||
    !whole(blocksize) ||
    typeof dtype !== 'string'
  )
    throw invalid(key, 'it does not say shape, blocksize and dtype');
  return state;
}

function eightBits(
  checkpoint: CheckpointWeights,
  { name, dtype: stored, shape }: TensorInfo,
  dtype: FloatDtype,
): Quantised | null {
  const scale = name.replace(/weight$/, 'SCB');
  const info = checkpoint.tensors.get(scale);
  if (stored !== 'I8' || scale === name || !info) return null;
  if (shape.length !== 2 || elementCount(info.shape) !== shape[0])
    throw invalid(scale, `it should have ${shape[0]} values`);
  const columns = shape[1]!;
  return {
    shape,
    dtype,
    kind: 'bitsandbytes, 8 bits',
    companions: [scale, name.replace(/weight$/, 'weight_format')],
    rows: async (first, count) => {
      const scales = toFloat32(await checkpoint.read(scale), info.dtype);
      const bytes = await checkpoint.readRows(name, first, count);
      const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return Float32Array.from(codes, (code, i) => (code * scales[first + Math.floor(i / columns)]!) / 127);
    },
  };
}

function fp8(
  checkpoint: CheckpointWeights,
  { name, dtype: stored, shape }: TensorInfo,
  dtype: FloatDtype,
): Quantised | null {
  if (stored !== 'F8_E4M3') return null;
  const scale = [`${name}_scale_inv`, `${name}_scale`].find((key) => checkpoint.tensors.has(key));
  if (scale === undefined) return null;
  const info = checkpoint.tensors.get(scale)!;
  const [rows, columns] = [shape[0] ?? 1, elementCount(shape.slice(1))];
  // One for all, one a row, or one a block, whose size follows from how many there are.
  const [down, across] = elementCount(info.shape) === 1 ? [1, 1] : [info.shape[0]!, info.shape[1] ?? 1];
  if (down > rows || across > columns)
    throw invalid(scale, `[${info.shape.join(', ')}] scales do not fit a matrix of [${shape.join(', ')}]`);
  const [high, wide] = [blockSize(rows, down, scale), blockSize(columns, across, scale)];
  return {
    shape,
    dtype,
    kind: 'FP8',
    companions: [scale, name.replace(/weight$/, 'input_scale')],
    rows: async (first, count) => {
      const scales = toFloat32(await checkpoint.read(scale), info.dtype);
      const bytes = await checkpoint.readRows(name, first, count);
      return Float32Array.from(bytes, (code, i) => {
        const row = first + Math.floor(i / columns);
        return E4M3[code]! * scales[Math.floor(row / high) * across + Math.floor((i % columns) / wide)]!;
      });
    },
  };
}

/** Blocks are of 128 but for the last; where that does not give so many, they are equal. */
function blockSize(size: number, blocks: number, name: string): number {
  if (Math.ceil(size / 128) === blocks) return 128;
  if (size % blocks === 0) return size / blocks;
  throw invalid(name, `${blocks} scales do not divide ${size} evenly`);
}

/** The values of the 256 codes of F8_E4M3 (OCP 8-bit floating point): no infinities, and NaN at all ones. */
const E4M3: Float32Array = Float32Array.from({ length: 256 }, (_, code) => {
  const [sign, exponent, mantissa] = [code & 0x80 ? -1 : 1, (code >> 3) & 15, code & 7];
  if (exponent === 15 && mantissa === 7) return NaN;
  return sign * (exponent === 0 ? (mantissa / 8) * 2 ** -6 : (1 + mantissa / 8) * 2 ** (exponent - 7));
});

function asBytes(values: Float32Array, dtype: Dtype): Bytes {
  const of = (array: Float32Array | Uint16Array) =>
    new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
  if (dtype === 'F32') return of(values);
  return of(dtype === 'BF16' ? f32ArrayToBf16(values) : f32ArrayToF16(values).bits);
}
