/**
 * Moves a checkpoint's tensors onto the GPU, some rows at a time, under the house's canonical names. Matrices may be packed
 * to f16; vectors (norms, biases) are always f32.
 */
import { GroundworkError, invariant } from '../base/error.ts';
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import { rowBlocks, type RowBlock } from '../formats/row-blocks.ts';
import { toFloat32, toHalf, type Dtype } from '../formats/safetensors.ts';
import type { Session } from '../gpu/recorder.ts';
import { Tensor } from '../gpu/tensor.ts';
import type { LinearWeights } from '../ops/linear.ts';
import { matrixShape, type TensorEntry } from './manifest.ts';

export type WeightDType = 'f32' | 'f16';

export interface LoadOptions {
  readonly dtype: WeightDType;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Bytes handed to the device before waiting for it: what it has not copied yet is memory, too. */
const STAGING_BYTES = 32 * 2 ** 20;

/** A model's tensors on the GPU by canonical name. */
export class ModelWeights {
  readonly #session: Session;
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(session: Session, tensors: ReadonlyMap<string, Tensor>) {
    this.#session = session;
    this.#tensors = tensors;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  tensor(name: string): Tensor {
    const found = this.#tensors.get(name);
    invariant(found, `no tensor named ${name}`);
    return found;
  }

  /** Weight and bias of a module. */
  linear(module: string): LinearWeights {
    const bias = this.#tensors.get(`${module}.bias`);
    return { weight: this.tensor(`${module}.weight`), ...(bias && { bias }) };
  }

  get parameterCount(): number {
    return this.#all.reduce((sum, t) => sum + t.size, 0);
  }

  get bytes(): number {
    return this.#all.reduce((sum, t) => sum + t.bytes, 0);
  }

  destroy(): void {
    this.#session.release(...this.#all);
  }

  get #all(): Tensor[] {
    return [...this.#tensors.values()];
  }
}

/**
 * Loads what the manifest lists; tensors of the checkpoint beyond it are left out.
 * @param rename a checkpoint's key → canonical name
 * @throws GroundworkError `tensor-missing`, `tensor-shape` before anything is allocated; `half-overflow`; nothing stays
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
  const tensors = new Map<string, Tensor>();
  const byKey = new Map<string, Tensor>();
  let done = 0;
  let staged = 0;
  try {
    for (const { entry, key } of located) {
      const tensor = allocate(session, entry, options.dtype);
      tensors.set(entry.name, tensor);
      byKey.set(key, tensor);
    }
    const { signal } = options;
    for await (const block of rowBlocks(checkpoint, byKey.keys(), { ...(signal && { signal }) })) {
      fill(session, byKey.get(block.key)!, block, checkpoint.tensors.get(block.key)!.dtype);
      done += block.bytes.byteLength;
      staged += block.bytes.byteLength;
      options.onProgress?.(done, total);
      if (staged < STAGING_BYTES) continue;
      await session.settled();
      staged = 0;
    }
    return new ModelWeights(session, tensors);
  } catch (error) {
    session.release(...tensors.values());
    throw error;
  }
}

/** The checkpoint's key of every entry, with shapes compared. */
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
    const { shape } = checkpoint.tensors.get(key)!;
    if (shape.join() !== entry.shape.join())
      throw new GroundworkError(
        'tensor-shape',
        `${key} is [${shape.join(', ')}], and config.json asks for [${entry.shape.join(', ')}].`,
        'The weights and config.json do not belong together.',
      );
    return { entry, key };
  });
}

/** The memory of every tensor, without contents: for planning. */
export const allocateWeights = (session: Session, entries: readonly TensorEntry[], dtype: WeightDType): ModelWeights =>
  new ModelWeights(session, new Map(entries.map((entry) => [entry.name, allocate(session, entry, dtype)])));

function allocate(session: Session, entry: TensorEntry, matrices: WeightDType): Tensor {
  const dtype = entry.role === 'vector' ? 'f32' : matrices;
  const [rows, columns] = matrixShape(entry);
  const shape = entry.role === 'vector' ? entry.shape : [rows, columns];
  // Room for a multiple of 4 rows: a head is summed over its rows (ops/log-probs.ts).
  const room = session.resident(entry.name, shape.length === 2 ? [Math.ceil(rows / 4) * 4, columns] : shape, dtype);
  return new Tensor(entry.name, dtype, shape, room.storage);
}

function fill(session: Session, tensor: Tensor, block: RowBlock, dtype: Dtype): void {
  const { key, first, count, bytes } = block;
  // A vector's rows are its elements.
  const rowValues = tensor.size / (tensor.shape[0] ?? 1);
  if (tensor.dtype === 'f32') return session.write(tensor, toFloat32(bytes, dtype), first * rowValues * 4);
  const { bits, overflowed } = toHalf(bytes, dtype);
  if (overflowed)
    throw new GroundworkError(
      'half-overflow',
      `${overflowed} values of ${key}, rows ${first}–${first + count - 1}, are beyond what 16-bit floats hold.`,
      'Load this model with f32 weights.',
    );
  session.write(tensor, bits, first * rowValues * 2);
}
