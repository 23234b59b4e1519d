/** A checkpoint's tensors on their way into GGUF: adapters folded in, rows in llama.cpp's order, in its types. */
import type { CheckpointWeights } from '../../formats/checkpoint-files.ts';
import type { GgufTensorToWrite } from '../../formats/gguf.ts';
import { GGUF_TYPES, type GgufType } from '../../formats/gguf-types.ts';
import { matrixShape } from '../../models/manifest.ts';
import type { GgufPlace } from '../../models/gguf.ts';
import { mergedRows, type MergedAdapter } from '../merged-rows.ts';
import { PRECISIONS, type GgufPrecision } from './precisions.ts';

/** What is written in a tensor's type; rows that are no whole blocks stay in f16. */
export function typeOf(place: GgufPlace, precision: GgufPrecision, columns: number): GgufType {
  const { matrix, ends, tower } = PRECISIONS[precision];
  const wanted =
    place.kind === 'exact' ? 'F32' : place.file === 'mmproj' ? tower : place.kind === 'ends' ? ends : matrix;
  return columns % GGUF_TYPES[wanted].block === 0 ? wanted : 'F16';
}

/** A tensor of the checkpoint, with the adapters of `module` in it. */
export function placedTensor(
  checkpoint: CheckpointWeights,
  key: string,
  module: string,
  place: GgufPlace,
  precision: GgufPrecision,
  adapters: readonly MergedAdapter[],
): GgufTensorToWrite {
  const { shape } = checkpoint.tensors.get(key)!;
  const [rows, columns] = matrixShape({ shape });
  const count = place.picked?.length ?? place.rows?.count ?? rows;
  const width = place.columns?.length ?? columns;
  const type = typeOf(place, precision, shape.length === 1 ? 1 : width);
  return {
    name: place.name,
    type,
    shape: place.shape ?? [count, ...shape.slice(1)],
    async *bytes() {
      for await (const values of placedRows(checkpoint, key, module, place, adapters))
        yield GGUF_TYPES[type].encode(values, place.name);
    },
  };
}

async function* placedRows(
  checkpoint: CheckpointWeights,
  key: string,
  module: string,
  place: GgufPlace,
  adapters: readonly MergedAdapter[],
): AsyncGenerator<Float32Array> {
  const [rows, columns] = matrixShape(checkpoint.tensors.get(key)!);
  const { from = 0, count = rows } = place.rows ?? {};
  // A small table is read whole, for its rows to be taken in any order.
  const unit = place.picked ? count : place.pairedHeads ? count / place.pairedHeads : 1;
  for await (const { values } of mergedRows(checkpoint, key, module, adapters, { from, count, unit })) {
    const order = place.picked ?? (place.pairedHeads ? pairs(values.length / columns, unit) : null);
    yield order || place.columns ? picked(values, columns, order, place.columns) : values;
  }
}

/** Rows of whole heads of `size` rows, (i, i + size/2) side by side. */
export const pairs = (rows: number, size: number): number[] =>
  Array.from({ length: rows }, (_, row) => {
    const [head, within] = [Math.floor(row / size), row % size];
    return head * size + Math.floor(within / 2) + (within % 2) * (size / 2);
  });

function picked(
  values: Float32Array,
  columns: number,
  order: readonly number[] | null,
  chosen: readonly number[] | undefined,
): Float32Array {
  const rows = order?.length ?? values.length / columns;
  const width = chosen?.length ?? columns;
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const source = (order ? order[row]! : row) * columns;
    if (chosen) for (let i = 0; i < width; i++) out[row * width + i] = values[source + chosen[i]!]!;
    else out.set(values.subarray(source, source + columns), row * width);
  }
  return out;
}
