/**
 * How each tensor of a checkpoint is held on the GPU, as data. Quantising pays where the bytes are: the linear layers
 * of the language model. The vision tower is small and runs once a picture; it keeps halves.
 */
import { groupOf, isQuantised, type MatrixFormat } from '../ops/matrix.ts';
import { matrixShape, type TensorEntry } from './manifest.ts';

/** What a user chooses. `nf4` is QLoRA's choice: halves for embedding and head. */
export type WeightDType = MatrixFormat;

/** What a request or the command line may say; `auto`: f32 for small models, else f16. */
export type StorageChoice = 'auto' | WeightDType;

export const STORAGE_CHOICES: readonly StorageChoice[] = ['auto', 'f32', 'f16', 'int8', 'int4', 'nf4'];

type Use = 'linear' | 'embedding' | 'head' | 'other';

const HELD: Readonly<Record<WeightDType, Readonly<Record<Use, MatrixFormat>>>> = {
  f32: { linear: 'f32', embedding: 'f32', head: 'f32', other: 'f32' },
  f16: { linear: 'f16', embedding: 'f16', head: 'f16', other: 'f16' },
  int8: { linear: 'int8', embedding: 'int8', head: 'int8', other: 'f16' },
  int4: { linear: 'int4', embedding: 'int8', head: 'int8', other: 'f16' },
  nf4: { linear: 'nf4', embedding: 'f16', head: 'f16', other: 'f16' },
};

/** Halves where a format has no whole groups in the matrix's rows. Vectors are always f32. */
export function formatOf(entry: TensorEntry, storage: WeightDType): MatrixFormat {
  const { role, tower } = entry;
  if (role === 'vector') return 'f32';
  const use = tower === 'vision' || role === 'kernel' || role === 'table' ? 'other' : role;
  const format = HELD[storage][use];
  return isQuantised(format) && groupOf(format, matrixShape(entry)[1]) === 0 ? 'f16' : format;
}
