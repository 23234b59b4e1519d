/**
 * A tensor is a typed view of storage. Storage is either resident (a GPUBuffer of its own: weights, adapters, inputs)
 * or transient (activations): then it has no buffer until a program is planned, and shares memory with storage whose
 * life does not overlap its own.
 */
import { invariant } from '../base/error.ts';

/** `f16` is two halves packed in a u32, so that it can be read without the shader-f16 feature. */
export type DType = 'f32' | 'u32' | 'i32' | 'f16';

export class Storage {
  readonly label: string;
  readonly bytes: number;
  /** Null for transient storage. */
  readonly buffer: GPUBuffer | null;

  constructor(label: string, bytes: number, buffer: GPUBuffer | null) {
    this.label = label;
    this.bytes = bytes;
    this.buffer = buffer;
  }
}

export class Tensor {
  readonly label: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly storage: Storage;
  /** Offset into the storage, bytes; a multiple of the device's minStorageBufferOffsetAlignment. */
  readonly offset: number;

  constructor(label: string, dtype: DType, shape: readonly number[], storage: Storage, offset = 0) {
    this.label = label;
    this.dtype = dtype;
    this.shape = shape;
    this.storage = storage;
    this.offset = offset;
    invariant(offset + this.bytes <= storage.bytes, `${label} [${shape.join(', ')}] does not fit its storage`);
  }

  get size(): number {
    return elements(this.shape);
  }

  get bytes(): number {
    return byteSize(this.shape, this.dtype);
  }

  /** Rows when the last axis is taken as columns. */
  get rows(): number {
    return this.size / this.columns;
  }

  get columns(): number {
    return this.shape[this.shape.length - 1] ?? 1;
  }

  /** Rows first … first + count, as a tensor of their own. */
  block(first: number, count: number): Tensor {
    const offset = this.offset + byteSize([first, this.columns], this.dtype);
    return new Tensor(this.label, this.dtype, [count, this.columns], this.storage, offset);
  }

  /** The same storage under another shape of as many elements. */
  reshape(...shape: number[]): Tensor {
    invariant(
      elements(shape) === this.size,
      `${this.label}: [${this.shape.join(', ')}] cannot be seen as [${shape.join(', ')}]`,
    );
    return new Tensor(this.label, this.dtype, shape, this.storage, this.offset);
  }
}

export const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Bytes of a tensor, rounded up to whole u32 words. */
export const byteSize = (shape: readonly number[], dtype: DType): number =>
  Math.ceil((elements(shape) * (dtype === 'f16' ? 2 : 4)) / 4) * 4;
