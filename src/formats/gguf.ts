/**
 * GGUF 3, the file of llama.cpp: metadata by key, then tensors at multiples of 32 bytes; little-endian throughout.
 * Written as a stream, read as a header. Source: ggml's docs/gguf.md.
 */
import { DEFECT } from '../base/error-codes.ts';
import { GroundworkError, invariant } from '../base/error.ts';
import type { ByteSource } from './byte-source.ts';
import { GGUF_TYPES, ggufBytes, type GgufType } from './gguf-types.ts';

/** A value with its type: the reader of a key asks for one type of number and takes no other. */
export type GgufValue =
  | { readonly type: 'u32' | 'i32' | 'f32' | 'u64'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'u32[]' | 'i32[]' | 'f32[]'; readonly value: readonly number[] }
  | { readonly type: 'bool[]'; readonly value: readonly boolean[] }
  | { readonly type: 'string[]'; readonly value: readonly string[] };

export type GgufMetadata = Readonly<Record<string, GgufValue>>;

export const u32 = (value: number): GgufValue => ({ type: 'u32', value });
export const f32 = (value: number): GgufValue => ({ type: 'f32', value });
export const bool = (value: boolean): GgufValue => ({ type: 'bool', value });
export const string = (value: string): GgufValue => ({ type: 'string', value });

export interface GgufTensor {
  readonly name: string;
  readonly type: GgufType;
  /** Slowest axis first, as everywhere here; the file has them the other way round. */
  readonly shape: readonly number[];
}

export interface GgufTensorToWrite extends GgufTensor {
  /** Called when its turn comes, once. */
  readonly bytes: () => AsyncIterable<Uint8Array>;
}

const VERSION = 3;
const ALIGNMENT = 32;
/** Longest name of a tensor in ggml, with the zero behind it. */
const LONGEST_NAME = 64;

const KINDS = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9, u64: 10 } as const;
type Scalar = Exclude<keyof typeof KINDS, 'array'>;

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** The file's bytes in order. Throws `internal` if a producer yields more or fewer bytes than its shape says. */
export async function* writeGguf(
  metadata: GgufMetadata,
  tensors: readonly GgufTensorToWrite[],
): AsyncGenerator<Uint8Array> {
  yield ggufHeader(metadata, tensors);
  for (const tensor of tensors) {
    let written = 0;
    for await (const chunk of tensor.bytes()) {
      written += chunk.length;
      yield chunk;
    }
    const wanted = ggufBytes(tensor);
    invariant(written === wanted, `“${tensor.name}” was to be ${wanted} bytes and is ${written}.`);
    const padding = aligned(written) - written;
    if (padding) yield new Uint8Array(padding);
  }
}

/** Everything before the first tensor's bytes, padding included. */
export function ggufHeader(metadata: GgufMetadata, tensors: readonly GgufTensor[]): Uint8Array {
  const out = new Sink();
  out.text('GGUF');
  out.number('u32', VERSION);
  out.number('u64', tensors.length);
  out.number('u64', Object.keys(metadata).length);
  for (const [key, entry] of Object.entries(metadata)) {
    out.string(key);
    if (entry.type.endsWith('[]')) {
      const kind = entry.type.slice(0, -2) as Scalar;
      const values = entry.value as readonly (string | number | boolean)[];
      out.number('u32', KINDS.array);
      out.number('u32', KINDS[kind]);
      out.number('u64', values.length);
      for (const value of values) out.scalar(kind, value);
    } else {
      out.number('u32', KINDS[entry.type as Scalar]);
      out.scalar(entry.type as Scalar, entry.value as string | number | boolean);
    }
  }
  const names = new Set<string>();
  let at = 0;
  for (const tensor of tensors) {
    const { name, type, shape } = tensor;
    if (names.has(name)) throw new GroundworkError('internal', `Two tensors are called “${name}”.`, DEFECT);
    invariant(name.length < LONGEST_NAME, `The name “${name}” is too long for ggml.`);
    names.add(name);
    out.string(name);
    out.number('u32', shape.length);
    for (const size of [...shape].reverse()) out.number('u64', size);
    out.number('u32', GGUF_TYPES[type].id);
    out.number('u64', at);
    at += aligned(ggufBytes(tensor));
  }
  return out.padded(ALIGNMENT);
}

/** Bytes that grow by doubling. */
class Sink {
  #bytes = new Uint8Array(1 << 16);
  #size = 0;

  #room(size: number): DataView {
    if (this.#size + size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + size));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
    }
    const view = new DataView(this.#bytes.buffer, this.#size, size);
    this.#size += size;
    return view;
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const { byteOffset } = this.#room(bytes.length);
    this.#bytes.set(bytes, byteOffset);
  }

  string(text: string): void {
    this.number('u64', new TextEncoder().encode(text).length);
    this.text(text);
  }

  number(kind: 'u32' | 'i32' | 'f32' | 'u64' | 'bool', value: number): void {
    if (kind === 'bool') this.#room(1).setUint8(0, value);
    else if (kind === 'u64') this.#room(8).setBigUint64(0, BigInt(value), true);
    else if (kind === 'u32') this.#room(4).setUint32(0, value, true);
    else if (kind === 'i32') this.#room(4).setInt32(0, value, true);
    else this.#room(4).setFloat32(0, value, true);
  }

  scalar(kind: Scalar, value: string | number | boolean): void {
    if (kind === 'string') this.string(value as string);
    else this.number(kind, Number(value));
  }

  padded(to: number): Uint8Array {
    this.#room(Math.ceil(this.#size / to) * to - this.#size);
    return this.#bytes.subarray(0, this.#size);
  }
}

export interface Gguf {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor & { readonly offset: number }>;
}

/** Bytes of a header read at a time. */
const WINDOW = 1 << 20;

/**
 * The header of a file of ours, read back. It knows the types that we write and no others.
 * @throws GroundworkError `gguf-invalid`
 */
export async function openGguf(source: ByteSource, name: string): Promise<Gguf> {
  const bad = (what: string) => new GroundworkError('gguf-invalid', `${name}: ${what}.`, 'Write the file again.');
  const input = new Reader(source, () => bad('it ends in the middle of its header'));
  if ((await input.text(4)) !== 'GGUF') throw bad('it does not begin as a GGUF file');
  const version = await input.number('u32');
  if (version !== VERSION) throw bad(`it is of version ${version}, not ${VERSION}`);
  const [count, keys] = [await input.number('u64'), await input.number('u64')];
  const kindOf = (id: number) => {
    const found = Object.entries(KINDS).find(([, value]) => value === id);
    if (!found) throw bad(`it has a value of type ${id}`);
    return found[0] as keyof typeof KINDS;
  };
  const metadata: Record<string, GgufValue> = {};
  for (let i = 0; i < keys; i++) {
    const key = await input.string();
    const kind = kindOf(await input.number('u32'));
    if (kind !== 'array') {
      metadata[key] = { type: kind, value: await input.scalar(kind) } as GgufValue;
      continue;
    }
    const of = kindOf(await input.number('u32')) as Scalar;
    const length = await input.number('u64');
    const value: unknown[] = [];
    for (let j = 0; j < length; j++) value.push(await input.scalar(of));
    metadata[key] = { type: `${of}[]`, value } as GgufValue;
  }
  const tensors = new Map<string, GgufTensor & { offset: number }>();
  for (let i = 0; i < count; i++) {
    const tensor = await input.string();
    const shape: number[] = [];
    const axes = await input.number('u32');
    for (let axis = 0; axis < axes; axis++) shape.unshift(await input.number('u64'));
    const id = await input.number('u32');
    const type = (Object.keys(GGUF_TYPES) as GgufType[]).find((each) => GGUF_TYPES[each].id === id);
    if (!type) throw bad(`${tensor} is of type ${id}`);
    tensors.set(tensor, { name: tensor, type, shape, offset: await input.number('u64') });
  }
  const begin = aligned(input.at);
  for (const tensor of tensors.values())
    if (begin + tensor.offset + ggufBytes(tensor) > source.size) throw bad(`${tensor.name} ends behind the file's end`);
  return {
    metadata,
    tensors: new Map([...tensors].map(([key, tensor]) => [key, { ...tensor, offset: begin + tensor.offset }])),
  };
}

class Reader {
  readonly #source: ByteSource;
  readonly #short: () => GroundworkError;
  #window: Uint8Array = new Uint8Array(0);
  #from = 0;
  at = 0;

  constructor(source: ByteSource, short: () => GroundworkError) {
    this.#source = source;
    this.#short = short;
  }

  async #take(size: number): Promise<DataView> {
    if (this.at + size > this.#source.size) throw this.#short();
    if (this.at + size > this.#from + this.#window.length) {
      this.#from = this.at;
      this.#window = await this.#source.read(this.at, Math.min(Math.max(size, WINDOW), this.#source.size - this.at));
    }
    const view = new DataView(this.#window.buffer, this.#window.byteOffset + this.at - this.#from, size);
    this.at += size;
    return view;
  }

  async text(size: number): Promise<string> {
    return new TextDecoder().decode(await this.#take(size));
  }

  async string(): Promise<string> {
    return this.text(await this.number('u64'));
  }

  async number(kind: 'u32' | 'i32' | 'f32' | 'u64'): Promise<number> {
    if (kind === 'u64') return Number((await this.#take(8)).getBigUint64(0, true));
    const view = await this.#take(4);
    return kind === 'u32'
      ? view.getUint32(0, true)
      : kind === 'i32'
        ? view.getInt32(0, true)
        : view.getFloat32(0, true);
  }

  async scalar(kind: Scalar): Promise<string | number | boolean> {
    if (kind === 'string') return this.string();
    if (kind === 'bool') return (await this.#take(1)).getUint8(0) !== 0;
    return this.number(kind);
  }
}
