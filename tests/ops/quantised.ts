/** Quantised formats once more, in f64 and in plain loops: what shaders/quant must write, and what its codes mean. */
import { readTensors } from '../../src/gpu/program.ts';
import type { Session } from '../../src/gpu/recorder.ts';
import { allocateMatrix, type Matrix, type QuantisedFormat } from '../../src/ops/matrix.ts';
import { Quantiser, type ReconstructionError } from '../../src/ops/quantise.ts';
import { fromHalf } from './harness.ts';

const f = Math.fround;

export interface Reference {
  /** Codes in the order of the weights. */
  readonly codes: Uint8Array;
  /** ŵ */
  readonly values: Float64Array;
}

/** w in rows whose length is a multiple of the group. */
export function quantised(w: Float64Array, format: QuantisedFormat, group: number): Reference {
  return format === 'nf4' ? nf4(w) : affine(w, format === 'int8' ? 255 : 15, group);
}

function affine(w: Float64Array, levels: number, group: number): Reference {
  const codes = new Uint8Array(w.length);
  const values = new Float64Array(w.length);
  for (let start = 0; start < w.length; start += group) {
    const block = w.subarray(start, start + group);
    const low = Math.min(0, ...block);
    const range = f(Math.max(0, ...block) - low);
    let half = 0x0400;
    while (half < 0x7bff && (fromHalf(half) / 4096) * levels < range) half++;
    const scale = fromHalf(half) / 4096;
    const clamp = (v: number) => Math.min(levels, Math.max(0, v));
    const zero = clamp(Math.floor(-low / scale + 0.5));
    block.forEach((v, i) => {
      const code = clamp(Math.floor(v / scale + 0.5) + zero);
      codes[start + i] = code;
      values[start + i] = scale * (code - zero);
    });
  }
  return { codes, values };
}

/** QLoRA's appendix E. */
export const NF4 = [
  -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
];

/** bitsandbytes' dynamic type with 7 bits of exponent at most, signed. */
export function dynamicValues(): number[] {
  const values = [0, 1];
  for (let e = 0; e < 7; e++)
    for (let i = 0; i < 2 ** e; i++) {
      const mean = 0.1 + (0.9 * (i + 0.5)) / 2 ** e;
      values.push(mean * 10 ** (e - 6), -mean * 10 ** (e - 6));
    }
  return values.sort((a, b) => a - b);
}

const nearest = (values: readonly number[], v: number) =>
  values.reduce((best, candidate, i) => (Math.abs(candidate - v) < Math.abs(values[best]! - v) ? i : best), 0);

function nf4(w: Float64Array): Reference {
  const codes = new Uint8Array(w.length);
  const magnitudes = Array.from({ length: w.length / 64 }, (_, b) =>
    w.subarray(64 * b, 64 * b + 64).reduce((most, v) => Math.max(most, Math.abs(v)), 0),
  );
  w.forEach((v, i) => (codes[i] = nearest(NF4, v / (magnitudes[i >> 6]! || 1))));
  const mean = magnitudes.reduce((a, b) => a + b, 0) / magnitudes.length;
  const map = dynamicValues();
  const restored = magnitudes.map((m, b) => {
    const first = b - (b % 256);
    const most = magnitudes.slice(first, first + 256).reduce((top, v) => Math.max(top, Math.abs(v - mean)), 0);
    return map[nearest(map, most > 0 ? (m - mean) / most : 0)]! * most + mean;
  });
  return { codes, values: Float64Array.from(codes, (code, i) => NF4[code]! * restored[i >> 6]!) };
}

/** A matrix's codes on the GPU, in the order of the weights. */
export async function codesOf(session: Session, { parts, format }: Matrix): Promise<Uint8Array> {
  const words = await readTensors(session, ...parts.map(({ values }) => values));
  const all = words.flatMap((part) => [...new Uint32Array(part.buffer, part.byteOffset, part.length)]);
  return Uint8Array.from(
    all.flatMap((word) =>
      format === 'int8'
        ? [0, 8, 16, 24].map((bit) => (word >>> bit) & 255)
        : [0, 8, 16, 24, 4, 12, 20, 28].map((bit) => (word >>> bit) & 15),
    ),
  );
}

/** w [rows, columns] quantised on the GPU, given in blocks of so many rows. */
export async function filled(
  session: Session,
  shape: readonly [number, number],
  format: QuantisedFormat,
  w: Float64Array,
  blockRows = shape[0],
): Promise<{ matrix: Matrix; error: ReconstructionError }> {
  const [rows, columns] = shape;
  const matrix = allocateMatrix(session, 'w', shape, format);
  const quantiser = new Quantiser(session);
  let error: ReconstructionError | null = null;
  for (let first = 0; first < rows; first += blockRows)
    error = await quantiser.write(
      matrix,
      first,
      Float32Array.from(w.subarray(first * columns, (first + blockRows) * columns)),
    );
  quantiser.destroy();
  return { matrix, error: error! };
}
