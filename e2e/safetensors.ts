/** Reads a safetensors file as Python would: header, then numbers. Only what tests need. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export function readSafetensors(bytes: Uint8Array): Map<string, Tensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [start, end] = entry.data_offsets;
    const data = bytes.slice(8 + headerBytes + start, 8 + headerBytes + end);
    tensors.set(name, { shape: entry.shape, values: decode(entry.dtype, data) });
  }
  return tensors;
}

function decode(dtype: string, data: Uint8Array): Float32Array {
  const view = new DataView(data.buffer);
  if (dtype === 'F32') return new Float32Array(data.buffer);
  const halves = Array.from({ length: data.length / 2 }, (_, i) => view.getUint16(i * 2, true));
  if (dtype === 'BF16')
    return Float32Array.from(halves, (bits) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!);
  if (dtype === 'F16') return Float32Array.from(halves, halfToNumber);
  throw new Error(`dtype ${dtype} is not expected in an adapter`);
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
