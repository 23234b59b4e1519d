/**
 * Moves a checkpoint's tensors onto the GPU, one at a time, under the house's canonical names. Matrices may be packed
 * to f16; vectors (norms, biases) are always f32.
 */
import { GroundworkError } from '../base/error.ts';
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import { toFloat32, toHalf } from '../formats/safetensors.ts';
import type { Session } from '../gpu/recorder.ts';
import { Tensor } from '../gpu/tensor.ts';

export type WeightDType = 'f32' | 'f16';

export interface LoadOptions {
  readonly dtype: WeightDType;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly signal?: AbortSignal;
}

export class WeightLoader {
  readonly #session: Session;
  readonly #checkpoint: CheckpointWeights;
  readonly #names: ReadonlyMap<string, string>;
  readonly #options: LoadOptions;
  readonly #total: number;
  #done = 0;
  readonly tensors: Tensor[] = [];

  /** `rename` maps a checkpoint's key to the canonical name. */
  constructor(session: Session, checkpoint: CheckpointWeights, rename: (key: string) => string, options: LoadOptions) {
    this.#session = session;
    this.#checkpoint = checkpoint;
    this.#options = options;
    this.#names = new Map([...checkpoint.tensors.keys()].map((key) => [rename(key), key]));
    this.#total = [...checkpoint.tensors.values()].reduce((sum, t) => sum + t.byteLength, 0);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** A matrix [rows, columns] in the chosen dtype; a convolution's kernel is seen as [out, everything else]. */
  matrix(name: string, rows: number, columns: number): Promise<Tensor> {
    return this.#load(name, [rows, columns], this.#options.dtype);
  }

  vector(name: string, size: number): Promise<Tensor> {
    return this.#load(name, [size], 'f32');
  }

  async #load(name: string, shape: readonly number[], dtype: WeightDType): Promise<Tensor> {
    this.#options.signal?.throwIfAborted();
    const key = this.#names.get(name);
    const info = key === undefined ? undefined : this.#checkpoint.tensors.get(key);
    if (key === undefined || !info)
      throw new GroundworkError(
        'tensor-missing',
        `The checkpoint has no tensor ${name}.`,
        'The weights and config.json do not belong together, or a shard is missing.',
      );
    const size = shape.reduce((a, b) => a * b, 1);
    const rows = info.shape[0];
    if (info.shape.reduce((a, b) => a * b, 1) !== size || rows !== shape[0])
      throw new GroundworkError(
        'tensor-shape',
        `${key} is [${info.shape.join(', ')}], and config.json asks for [${shape.join(', ')}].`,
        'The weights and config.json do not belong together.',
      );
    const bytes = await this.#checkpoint.read(key);
    // Room for a multiple of 4 rows: a head is summed over its rows (ops/log-probs.ts).
    const room = this.#session.resident(
      name,
      shape.length === 2 ? [Math.ceil(shape[0]! / 4) * 4, shape[1]!] : shape,
      dtype,
    );
    const tensor = new Tensor(name, dtype, shape, room.storage);
    this.tensors.push(tensor);
    if (dtype === 'f32') this.#session.write(tensor, toFloat32(bytes, info.dtype));
    else {
      const { bits, overflowed } = toHalf(bytes, info.dtype);
      if (overflowed)
        throw new GroundworkError(
          'half-overflow',
          `${overflowed} values of ${key} are beyond what 16-bit floats hold.`,
          'Load this model with f32 weights.',
        );
      this.#session.write(tensor, bits);
    }
    this.#done += info.byteLength;
    this.#options.onProgress?.(this.#done, this.#total);
    return tensor;
  }
}
