/** Writes safetensors as a stream: the header first, then each tensor's bytes as its producer yields them. */
import { DEFECT } from '../base/error-codes.ts';
import { GroundworkError, invariant } from '../base/error.ts';
import { DTYPE_BYTES, elementCount, type Dtype } from './safetensors.ts';

export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** A tensor and where its bytes come from; `bytes` is called when its turn comes, once. */
export interface TensorToWrite extends TensorSpec {
  readonly bytes: () => Uint8Array | Promise<Uint8Array> | AsyncIterable<Uint8Array>;
}

export const tensorBytes = ({ dtype, shape }: TensorSpec): number => elementCount(shape) * DTYPE_BYTES[dtype];

/** Widest elements first, then by name: the reference serializer's order, which keeps every tensor aligned. */
export const inFileOrder = <T extends TensorSpec>(tensors: readonly T[]): T[] =>
  [...tensors].sort(
    (a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );

/**
 * Length prefix and header for tensors in file order, padded with spaces so that the data begins at a multiple of 8.
 * transformers refuses files whose metadata lacks `format`.
 */
export function safetensorsHeader(
  tensors: readonly TensorSpec[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array<ArrayBuffer> {
  const entries: [string, unknown][] = Object.keys(metadata).length ? [['__metadata__', metadata]] : [];
  const names = new Set<string>();
  let at = 0;
  for (const tensor of inFileOrder(tensors)) {
    if (names.has(tensor.name))
      throw new GroundworkError('internal', `Two tensors are called “${tensor.name}”.`, DEFECT);
    names.add(tensor.name);
    const end = at + tensorBytes(tensor);
    entries.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [at, end] }]);
    at = end;
  }
  const json = new TextEncoder().encode(
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
  );
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

/** The file's bytes in order. Throws `internal` if a producer yields more or fewer bytes than its shape says. */
export async function* writeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata?: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  yield safetensorsHeader(tensors, metadata);
  for (const tensor of inFileOrder(tensors)) {
    const produced = await tensor.bytes();
    let written = 0;
    for await (const chunk of produced instanceof Uint8Array ? [produced] : produced) {
      written += chunk.length;
      yield chunk;
    }
    invariant(
      written === tensorBytes(tensor),
      `“${tensor.name}” was to be ${tensorBytes(tensor)} bytes and is ${written}.`,
    );
  }
}
