/**
 * Moves a checkpoint's tensors onto the GPU, some rows at a time, under the house's canonical names. Matrices are
 * held as models/storage.ts says and quantised on the GPU; vectors (norms, biases) are always f32.
 */
import { GroundworkError, invariant } from '../base/error.ts';
import type { Bytes } from '../formats/byte-source.ts';
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import { rowBlocks, type RowBlock } from '../formats/row-blocks.ts';
import { isFloat, toFloat32, toHalf, type Dtype } from '../formats/safetensors.ts';
import type { Session } from '../gpu/recorder.ts';
import { Tensor } from '../gpu/tensor.ts';
import type { LinearWeights } from '../ops/linear.ts';
import { allocateMatrix, blocksOf, isQuantised, Matrix, type MatrixFormat, type Weight } from '../ops/matrix.ts';
import { Quantiser, type ReconstructionError } from '../ops/quantise.ts';
import { matrixShape, type TensorEntry } from './manifest.ts';
import { formatOf, type WeightDType } from './storage.ts';

export type { WeightDType } from './storage.ts';

export interface LoadOptions {
  readonly dtype: WeightDType;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Bytes handed to the device before waiting for it: what it has not copied yet is memory, too. */
const STAGING_BYTES = 32 * 2 ** 20;

/** What quantising lost of one matrix. */
export interface Reconstruction {
  /** Canonical name of the tensor. */
  readonly name: string;
  readonly format: MatrixFormat;
  readonly error: ReconstructionError;
}

/** A model's tensors on the GPU by canonical name. */
export class ModelWeights {
  readonly #session: Session;
  readonly #tensors: ReadonlyMap<string, Weight>;
  readonly #errors: ReadonlyMap<string, ReconstructionError>;

  constructor(
    session: Session,
    tensors: ReadonlyMap<string, Weight>,
    errors: ReadonlyMap<string, ReconstructionError> = new Map(),
  ) {
    this.#session = session;
    this.#tensors = tensors;
    this.#errors = errors;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** A vector, or a table of positions. */
  tensor(name: string): Tensor {
    const found = this.#tensors.get(name);
    invariant(found instanceof Tensor, `no tensor named ${name}`);
    return found;
  }

  matrix(name: string): Matrix {
    const found = this.#tensors.get(name);
    invariant(found instanceof Matrix, `no matrix named ${name}`);
    return found;
  }

  /** Weight and bias of a module. */
  linear(module: string): LinearWeights & { readonly weight: Matrix } {
    const bias = `${module}.bias`;
    return { weight: this.matrix(`${module}.weight`), ...(this.has(bias) && { bias: this.tensor(bias) }) };
  }

  get parameterCount(): number {
    return this.#all.reduce((sum, t) => sum + t.size, 0);
  }

  /** Every quantised matrix, in the order of the manifest. */
  get reconstruction(): Reconstruction[] {
    return [...this.#tensors].flatMap(([name, weight]) => {
      const error = this.#errors.get(name);
      return error && weight instanceof Matrix ? [{ name, format: weight.format, error }] : [];
    });
  }

  get bytes(): number {
    return this.#all.reduce((sum, t) => sum + t.bytes, 0);
  }

  destroy(): void {
    releaseWeights(this.#session, this.#all);
  }

  get #all(): Weight[] {
    return [...this.#tensors.values()];
  }
}

const releaseWeights = (session: Session, weights: Iterable<Weight>): void => {
  for (const weight of weights) session.release(...(weight instanceof Matrix ? weight.tensors : [weight]));
};

/**
 * Loads what the manifest lists; tensors of the checkpoint beyond it are left out.
 * @param rename a checkpoint's key → canonical name
 * @throws GroundworkError `tensor-missing`, `tensor-shape`, `tensor-dtype` before anything is allocated; `half-overflow`; nothing stays
 * allocated after a throw
 */
export async function loadWeights(
  session: Session,
  entries: readonly TensorEntry[],
  checkpoint: CheckpointWeights,
  rename: (key: string) => string,
  options: LoadOptions,
): Promise<ModelWeights> {
  const located = locate(entries, checkpoint, rename);
  const total = located.reduce((sum, { key }) => sum + checkpoint.tensors.get(key)!.byteLength, 0);
  const tensors = new Map<string, Weight>();
  const byKey = new Map<string, { readonly name: string; readonly weight: Weight }>();
  const errors = new Map<string, ReconstructionError>();
  const quantiser = new Quantiser(session);
  let done = 0;
  let staged = 0;
  try {
    for (const { entry, key } of located) {
      const weight = allocate(session, entry, options.dtype);
      tensors.set(entry.name, weight);
      byKey.set(key, { name: entry.name, weight });
    }
    const { signal } = options;
    for await (const block of rowBlocks(checkpoint, byKey.keys(), { ...(signal && { signal }) })) {
      const { name, weight } = byKey.get(block.key)!;
      const { dtype } = checkpoint.tensors.get(block.key)!;
      if (weight instanceof Matrix && isQuantised(weight.format)) {
        const error = await quantiser.write(weight, block.first, toFloat32(block.bytes, dtype));
        if (error) errors.set(name, error);
      } else fill(session, weight, block, dtype);
      done += block.bytes.byteLength;
      staged += block.bytes.byteLength;
      options.onProgress?.(done, total);
      if (staged < STAGING_BYTES) continue;
      await session.settled();
      staged = 0;
    }
    return new ModelWeights(session, tensors, errors);
  } catch (error) {
    releaseWeights(session, tensors.values());
    throw error;
  } finally {
    quantiser.destroy();
  }
}

/** The checkpoint's key of every entry, with shapes and dtypes compared. */
export function locate(
  entries: readonly TensorEntry[],
  checkpoint: CheckpointWeights,
  rename: (key: string) => string,
): { readonly entry: TensorEntry; readonly key: string }[] {
  const keys = new Map([...checkpoint.tensors.keys()].map((key) => [rename(key), key]));
  return entries.map((entry) => {
    const key = keys.get(entry.name);
    if (key === undefined)
      throw new GroundworkError(
        'tensor-missing',
        `The checkpoint has no tensor ${entry.name}.`,
        'The weights and config.json do not belong together, or a shard is missing.',
      );
    const { shape, dtype } = checkpoint.tensors.get(key)!;
    if (!isFloat(dtype))
      throw new GroundworkError(
        'tensor-dtype',
        `${key} is ${dtype}; Groundwork reads F32, F16 and BF16 weights.`,
        'Use the unquantised model. Groundwork quantises it while it loads.',
      );
    if (shape.join() !== entry.shape.join())
      throw new GroundworkError(
        'tensor-shape',
        `${key} is [${shape.join(', ')}], but config.json says [${entry.shape.join(', ')}].`,
        'The weights and config.json do not belong together.',
      );
    return { entry, key };
  });
}

/** The memory of every tensor, without contents: for planning. */
export const allocateWeights = (session: Session, entries: readonly TensorEntry[], dtype: WeightDType): ModelWeights =>
  new ModelWeights(session, new Map(entries.map((entry) => [entry.name, allocate(session, entry, dtype)])));

function allocate(session: Session, entry: TensorEntry, storage: WeightDType): Weight {
  const { name, role, shape } = entry;
  const format = formatOf(entry, storage);
  if (role === 'vector') return session.resident(name, shape);
  if (role === 'table' && !isQuantised(format)) return session.resident(name, matrixShape(entry), format);
  return allocateMatrix(session, name, matrixShape(entry), format);
}

function fill(session: Session, weight: Weight, { key, first, count, bytes }: RowBlock, dtype: Dtype): void {
  // A vector's rows are its elements.
  if (weight.shape.length === 1 && weight instanceof Tensor)
    return session.write(weight, toFloat32(bytes, dtype), first * 4);
  for (const [block, at] of blocksOf(weight, first, count)) {
    const rowBytes = bytes.byteLength / count;
    const part = bytes.subarray(at * rowBytes, at * rowBytes + rowBytes * (block.size / weight.columns));
    if (block.dtype === 'f32') session.write(block, toFloat32(part, dtype));
    else session.write(block, halves(part, dtype, key));
  }
}

function halves(bytes: Bytes, dtype: Dtype, key: string): Uint16Array {
  const { bits, overflowed } = toHalf(bytes, dtype);
  if (overflowed)
    throw new GroundworkError(
      'half-overflow',
      `${overflowed} values of ${key} are too large for 16-bit floats.`,
      'Load this model with f32 weights.',
    );
  return bits;
}
