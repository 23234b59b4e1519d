/**
 * How ggml holds numbers: floats, and blocks of 32 codes with a scale in f16. Codes are bit for bit those of ggml's
 * reference quantiser (`quantize_row_q8_0_ref` and `quantize_row_q4_0_ref`), which gguf-py computes as well.
 */
import { GroundworkError } from '../base/error.ts';
import { f32ArrayToBf16, f32ArrayToF16 } from './half.ts';
import { elementCount } from './safetensors.ts';

export type GgufType = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0';

interface TypeOf {
  /** ggml_type. */
  readonly id: number;
  /** Neighbours that share a scale; rows are whole blocks. */
  readonly block: number;
  readonly blockBytes: number;
  /** values [n] → bytes. @throws GroundworkError `half-overflow` */
  encode(values: Float32Array, name: string): Uint8Array;
}

const BLOCK = 32;

export const GGUF_TYPES: Readonly<Record<GgufType, TypeOf>> = {
  F32: { id: 0, block: 1, blockBytes: 4, encode: (values) => bytesOf(values) },
  F16: { id: 1, block: 1, blockBytes: 2, encode: (values, name) => bytesOf(halves(values, name)) },
  BF16: { id: 30, block: 1, blockBytes: 2, encode: (values) => bytesOf(f32ArrayToBf16(values)) },
  Q8_0: { id: 8, block: BLOCK, blockBytes: 2 + BLOCK, encode: q8 },
  Q4_0: { id: 2, block: BLOCK, blockBytes: 2 + BLOCK / 2, encode: q4 },
};

export const ggufBytes = ({ type, shape }: { readonly type: GgufType; readonly shape: readonly number[] }): number =>
  (elementCount(shape) / GGUF_TYPES[type].block) * GGUF_TYPES[type].blockBytes;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBufferLike>): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function halves(values: Float32Array, name: string): Uint16Array {
  const { bits, overflowed } = f32ArrayToF16(values);
  if (overflowed)
    throw new GroundworkError(
      'half-overflow',
      `${overflowed} values of ${name} are too large for 16-bit floats.`,
      'Choose BF16, which holds larger numbers.',
    );
  return bits;
}

/** A scale of each block, then its codes. */
function blocks(
  values: Float32Array,
  name: string,
  bytes: number,
  scaleOf: (block: Float32Array) => number,
  write: (block: Float32Array, inverse: number, codes: Uint8Array) => void,
): Uint8Array {
  const count = values.length / BLOCK;
  const out = new Uint8Array(count * (2 + bytes));
  const scales = new Float32Array(count);
  for (let i = 0; i < count; i++) scales[i] = scaleOf(values.subarray(i * BLOCK, (i + 1) * BLOCK));
  const bits = halves(scales, name);
  for (let i = 0; i < count; i++) {
    const at = i * (2 + bytes);
    out[at] = bits[i]! & 0xff;
    out[at + 1] = bits[i]! >> 8;
    const inverse = scales[i] === 0 ? 0 : Math.fround(1 / scales[i]!);
    write(values.subarray(i * BLOCK, (i + 1) * BLOCK), inverse, out.subarray(at + 2, at + 2 + bytes));
  }
  return out;
}

/** Scale = largest magnitude / 127; codes are rounded, halves away from zero. */
function q8(values: Float32Array, name: string): Uint8Array {
  return blocks(
    values,
    name,
    BLOCK,
    (block) => block.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127,
    (block, inverse, codes) => {
      for (let i = 0; i < BLOCK; i++) {
        const x = Math.fround(block[i]! * inverse);
        codes[i] = Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
      }
    },
  );
}

/** The value of the largest magnitude, with its sign, is code 0; codes i and i + 16 share a byte. */
function q4(values: Float32Array, name: string): Uint8Array {
  return blocks(
    values,
    name,
    BLOCK / 2,
    (block) => block.reduce((most, v) => (Math.abs(v) > Math.abs(most) ? v : most), 0) / -8,
    (block, inverse, codes) => {
      const code = (i: number) => Math.min(15, Math.max(0, Math.trunc(block[i]! * inverse + 8.5)));
      for (let i = 0; i < BLOCK / 2; i++) codes[i] = code(i) | (code(i + BLOCK / 2) << 4);
    },
  );
}
