/**
 * What a checkpoint holds, known from its configuration alone: every tensor by canonical name with its shape and what
 * it is for. The loader, the choice of storage per module, the memory plan, the adapters' targets and the writer of
 * synthetic checkpoints all read this one list.
 */

/**
 * `linear`: a matrix of a linear layer, `embedding`: rows looked up by token, `head`: the output head where it is a
 * matrix of its own, `kernel`: a convolution used as a matrix, `table`: rows looked up by position, `vector`: norms and
 * biases.
 */
export type TensorRole = 'linear' | 'embedding' | 'head' | 'kernel' | 'table' | 'vector';

export interface TensorEntry {
  /** Canonical name: the module tree of transformers ≥ 4.52. */
  readonly name: string;
  /** As stored: a convolution's kernel has all its axes. */
  readonly shape: readonly number[];
  readonly role: TensorRole;
  readonly tower: 'vision' | 'text';
}

/** [rows, columns]: the first axis, and all others together. */
export const matrixShape = ({ shape }: Pick<TensorEntry, 'shape'>): readonly [rows: number, columns: number] => [
  shape[0]!,
  shape.slice(1).reduce((a, b) => a * b, 1),
];

/** A linear layer's weight [out, in] and bias [out]. */
export function linearEntries(
  tower: TensorEntry['tower'],
  module: string,
  outFeatures: number,
  inFeatures: number,
  bias: boolean,
): TensorEntry[] {
  const weight: TensorEntry = { name: `${module}.weight`, shape: [outFeatures, inFeatures], role: 'linear', tower };
  return bias ? [weight, vectorEntry(tower, `${module}.bias`, outFeatures)] : [weight];
}

export const vectorEntry = (tower: TensorEntry['tower'], name: string, size: number): TensorEntry => ({
  name,
  shape: [size],
  role: 'vector',
  tower,
});

/** A layer norm's weight and bias. */
export const layerNormEntries = (tower: TensorEntry['tower'], module: string, size: number): TensorEntry[] => [
  vectorEntry(tower, `${module}.weight`, size),
  vectorEntry(tower, `${module}.bias`, size),
];

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
