/** The fixtures of tests/golden/ops as plain arrays. */
import { readFileSync } from 'node:fs';
import { openSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { bytesSource } from '../formats/bytes-source.ts';

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

export interface GoldenOpCase<P> {
  readonly name: string;
  readonly params: P;
  readonly tensors: Readonly<Record<string, GoldenTensor>>;
}

const folder = new URL('../golden/ops/', import.meta.url);

/** Every case of an op, with its tensors by short name. */
export async function goldenOp<P>(op: string): Promise<GoldenOpCase<P>[]> {
  const { cases } = JSON.parse(readFileSync(new URL(`${op}.json`, folder), 'utf8')) as {
    readonly cases: readonly { readonly name: string; readonly params: P }[];
  };
  const file = await openSafetensors(bytesSource(readFileSync(new URL(`${op}.safetensors`, folder))), op);
  return Promise.all(
    cases.map(async ({ name, params }) => {
      const keys = [...file.tensors.keys()].filter((key) => key.startsWith(`${name}.`));
      const tensors = await Promise.all(
        keys.map(async (key) => {
          const { dtype, shape } = file.tensors.get(key)!;
          const bytes = await file.read(key);
          const values =
            dtype === 'I32'
              ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
              : toFloat32(bytes, dtype);
          return [key.slice(name.length + 1), { shape, values: Float64Array.from(values) }] as const;
        }),
      );
      return { name, params, tensors: Object.fromEntries(tensors) };
    }),
  );
}

/** [rows, columns] under zeros down to `toRows` and out to `toColumns`. */
export function padded({ shape, values }: GoldenTensor, toRows: number, toColumns: number): Float64Array {
  const columns = shape.at(-1)!;
  const all = new Float64Array(toRows * toColumns);
  for (let row = 0; row < values.length / columns; row++)
    all.set(values.subarray(row * columns, (row + 1) * columns), row * toColumns);
  return all;
}

/** The top left of what `padded` gave. */
export function cropped(values: ArrayLike<number>, columns: number, toRows: number, toColumns: number): Float64Array {
  return Float64Array.from(
    { length: toRows * toColumns },
    (_, i) => values[Math.floor(i / toColumns) * columns + (i % toColumns)]!,
  );
}

export const upTo4 = (n: number): number => Math.ceil(n / 4) * 4;
