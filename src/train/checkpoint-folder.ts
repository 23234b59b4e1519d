/**
 * A checkpoint folder made from another: every file of it, copied, or with tensors made anew, streamed so that no
 * tensor is in memory whole.
 */
import { GroundworkError } from '../base/error.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { INDEX_FILE, SINGLE_FILE, type CheckpointWeights } from '../formats/checkpoint-files.ts';
import { f32ArrayToBf16, f32ArrayToF16 } from '../formats/half.ts';
import type { Dtype, TensorInfo } from '../formats/safetensors.ts';
import { tensorBytes, writeSafetensors, type TensorSpec, type TensorToWrite } from '../formats/safetensors-writer.ts';
import { rowBlocks } from './merged-rows.ts';

/** A tensor in a file that is written. */
export interface WrittenTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

export const writtenTensors = (tensors: readonly TensorSpec[]): WrittenTensor[] =>
  tensors.map((tensor) => ({ name: tensor.name, shape: tensor.shape, byteLength: tensorBytes(tensor) }));

export interface OutputFile {
  readonly path: string;
  readonly data: string | AsyncIterable<Uint8Array>;
  /** What a file of weights holds. */
  readonly tensors?: readonly WrittenTensor[];
  /** In what; absent: safetensors. */
  readonly container?: 'gguf';
}

/** Changes to the JSON files of a folder, by path. */
export type Edits = Readonly<Record<string, (json: Record<string, unknown>) => void>>;

/** Bytes copied at a time. */
const COPY = 4 << 20;

/**
 * Every file of the folder; JSON files edited, tensors in the files that held them.
 * @param shardOf which weight file holds each tensor; empty if one holds them all
 * @param make what is written in a tensor's place
 */
export function checkpointFolder(
  folder: ReadonlyMap<string, ByteSource>,
  checkpoint: CheckpointWeights,
  shardOf: ReadonlyMap<string, string>,
  edits: readonly Edits[],
  make: (info: TensorInfo) => readonly TensorToWrite[],
): OutputFile[] {
  const files: OutputFile[] = [];
  const shards = new Map<string, TensorInfo[]>();
  for (const info of checkpoint.tensors.values()) {
    const file = shardOf.get(info.name) ?? SINGLE_FILE;
    shards.set(file, [...(shards.get(file) ?? []), info]);
  }
  for (const [path, source] of folder)
    if (!shards.has(path) && path !== INDEX_FILE && !path.endsWith('.safetensors'))
      files.push({ path, data: copyEdited(source, path, edits) });
  const index = folder.get(INDEX_FILE);
  if (index) files.push({ path: INDEX_FILE, data: copyEdited(index, INDEX_FILE, edits) });
  for (const [path, infos] of shards) {
    const tensors = infos.flatMap((info) => make(info));
    files.push({ path, data: writeSafetensors(tensors), tensors: writtenTensors(tensors) });
  }
  return files;
}

/** The tensor as it is. */
export const copiedTensor = (checkpoint: CheckpointWeights, info: TensorInfo): TensorToWrite => ({
  name: info.name,
  dtype: info.dtype,
  shape: info.shape,
  bytes: () => wholeTensor(checkpoint, info),
});

async function* wholeTensor(checkpoint: CheckpointWeights, info: TensorInfo): AsyncGenerator<Uint8Array> {
  const rows = info.shape[0] ?? 1;
  if (info.shape.length === 0) return yield checkpoint.read(info.name);
  for (const [first, count] of rowBlocks(rows, info.byteLength / Math.max(1, rows) / 4))
    yield checkpoint.readRows(info.name, first, count);
}

/** @throws GroundworkError `half-overflow` */
export function fromFloat32(values: Float32Array, dtype: Dtype, name: string): Uint8Array {
  if (dtype === 'F32') return bytesOf(values);
  if (dtype === 'F64') return bytesOf(Float64Array.from(values));
  if (dtype === 'BF16') return bytesOf(f32ArrayToBf16(values));
  const { bits, overflowed } = f32ArrayToF16(values);
  if (overflowed)
    throw new GroundworkError(
      'half-overflow',
      `${overflowed} merged values of ${name} are too large for 16-bit floats.`,
      'Export the adapter instead, or train with a lower learning rate.',
    );
  return bytesOf(bits);
}

export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBufferLike>): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function copyEdited(source: ByteSource, path: string, edits: readonly Edits[]): AsyncIterable<Uint8Array> {
  const mine = edits.flatMap((edit) => edit[path] ?? []);
  return mine.length ? editedJson(source, mine) : copy(source);
}

async function* editedJson(
  source: ByteSource,
  edits: readonly ((json: Record<string, unknown>) => void)[],
): AsyncGenerator<Uint8Array> {
  const json = JSON.parse(new TextDecoder().decode(await source.read(0, source.size))) as Record<string, unknown>;
  for (const edit of edits) edit(json);
  yield new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`);
}

async function* copy(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; at += COPY) yield source.read(at, Math.min(COPY, source.size - at));
}

/** Which weight file holds each tensor. */
export async function shardNames(folder: ReadonlyMap<string, ByteSource>): Promise<Map<string, string>> {
  const index = folder.get(INDEX_FILE);
  if (!index) return new Map();
  const parsed = JSON.parse(new TextDecoder().decode(await index.read(0, index.size))) as {
    weight_map: Record<string, string>;
  };
  return new Map(Object.entries(parsed.weight_map));
}
