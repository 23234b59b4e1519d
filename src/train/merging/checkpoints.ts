/**
 * Whole checkpoints as one, from disk to disk: each tensor is read some rows at a time from every folder, and what is
 * made of it goes out before the next rows are read. How: checkpoint-methods.ts.
 */
import { GroundworkError, invariant } from '../../base/error.ts';
import type { ByteSource } from '../../formats/byte-source.ts';
import type { CheckpointWeights } from '../../formats/checkpoint-files.ts';
import { canonicalName } from '../../formats/peft.ts';
import { isFloat, toFloat32, type TensorInfo } from '../../formats/safetensors.ts';
import { checkpointFolder, copiedTensor, fromFloat32, type OutputFile } from '../checkpoint-folder.ts';
import { rowBlocks } from '../merged-rows.ts';
import {
  CHECKPOINT_METHODS,
  checkMethod,
  type Block,
  type CheckpointMethod,
  type CheckpointMethodName,
  type MethodSettings,
  type TensorReader,
} from './checkpoint-methods.ts';
import { likenessOf, type MergeLikeness, type Moments } from './likeness.ts';

export interface NamedCheckpoint {
  readonly name: string;
  readonly weights: CheckpointWeights;
}

/** Which checkpoints are merged, and how. */
export interface CheckpointMerge {
  readonly method: CheckpointMethodName;
  readonly settings: MethodSettings;
  readonly parts: readonly NamedCheckpoint[];
  readonly base: NamedCheckpoint | null;
}

/**
 * The result's folder: files that hold no weights are those of `folder`, and so are the names and the types of its
 * tensors.
 * @param folder of the base, or of the first checkpoint if there is none
 * @throws GroundworkError `merge-setting`, `merge-tensors`; while streaming, `half-overflow` and `merge-tensors`
 */
export function mergedCheckpointFiles(
  merge: CheckpointMerge,
  folder: ReadonlyMap<string, ByteSource>,
  shardOf: ReadonlyMap<string, string>,
): OutputFile[] {
  const readers = openTensors(merge);
  return checkpointFolder(folder, home(merge).weights, shardOf, [], (info) => {
    const reader = readers.get(info.name)!;
    if (!isFloat(info.dtype)) return [{ ...copiedTensor(home(merge).weights, info), bytes: () => reader.equal() }];
    const { name, dtype, shape } = info;
    return [{ name, dtype, shape, bytes: () => bytes(merge, reader) }];
  });
}

/** The merge against its parts, without writing it. With a base: their changes; else the weights themselves. */
export async function checkpointLikeness(
  merge: CheckpointMerge,
  onTensor?: (done: number, total: number) => void,
): Promise<MergeLikeness> {
  const readers = [...openTensors(merge).values()].filter(({ info }) => isFloat(info.dtype));
  const moments: Moments[] = [];
  for (const reader of readers) {
    let result = 0;
    const parts = merge.parts.map(() => 0);
    const products = merge.parts.map(() => 0);
    for await (const { block, values } of mixedBlocks(merge, reader))
      for (let at = 0; at < values.length; at++) {
        const origin = block.base?.[at] ?? 0;
        const r = values[at]! - origin;
        result += r * r;
        for (let i = 0; i < parts.length; i++) {
          const p = block.parts[i]![at]! - origin;
          parts[i]! += p * p;
          products[i]! += p * r;
        }
      }
    moments.push({ module: reader.info.name, result, parts, products });
    onTensor?.(moments.length, readers.length);
  }
  return likenessOf(moments);
}

const home = ({ base, parts }: CheckpointMerge): NamedCheckpoint => base ?? parts[0]!;

async function* mixedBlocks(merge: CheckpointMerge, reader: Reader) {
  const method: CheckpointMethod = CHECKPOINT_METHODS[merge.method];
  const mix = await method.prepare(reader, merge.settings);
  for await (const block of reader.blocks()) yield { block, values: mix(block) };
}

async function* bytes(merge: CheckpointMerge, reader: Reader): AsyncGenerator<Uint8Array> {
  const { dtype, name } = reader.info;
  for await (const { values } of mixedBlocks(merge, reader)) yield fromFloat32(values, dtype, name);
}

interface Reader extends TensorReader {
  readonly info: TensorInfo;
  /** The bytes, if they are the same everywhere: of numbers that cannot be mixed. */
  equal(): AsyncIterable<Uint8Array>;
}

function openTensors(merge: CheckpointMerge): Map<string, Reader> {
  invariant(merge.settings.weights.length === merge.parts.length, 'a checkpoint without a weight');
  checkMethod(merge.method, merge.settings, merge.base !== null);
  const { name, weights } = home(merge);
  const names = [...weights.tensors.keys()];
  const lookups = merge.parts.map((part) => namesIn(part, names, name));
  return new Map(
    names.map((key) => {
      const info = weights.tensors.get(key)!;
      const sources = merge.parts.map((part, i): Source => {
        const there = part.weights.tensors.get(lookups[i]!.get(key)!)!;
        if (there.shape.join() !== info.shape.join())
          throw new GroundworkError(
            'merge-tensors',
            `${key} is [${info.shape.join(', ')}] in ${name} and [${there.shape.join(', ')}] in ${part.name}.`,
            'Merge checkpoints of one model. Another vocabulary makes another model.',
          );
        return { part, info: there };
      });
      return [key, readerOf(info, sources, merge.base)];
    }),
  );
}

/** Their name → the name that this checkpoint has for it. Versions of transformers name the same tensors differently. */
function namesIn(part: NamedCheckpoint, names: readonly string[], other: string): Map<string, string> {
  const mine = part.weights.tensors;
  const canonical = new Map([...mine.keys()].map((key) => [canonicalName(key), key]));
  const found = new Map<string, string>();
  for (const key of names) {
    const there = mine.has(key) ? key : canonical.get(canonicalName(key));
    if (there !== undefined) found.set(key, there);
  }
  const used = new Set(found.values());
  const lacking = names.find((key) => !found.has(key));
  const strange = [...mine.keys()].find((key) => !used.has(key));
  if (lacking !== undefined || strange !== undefined)
    throw new GroundworkError(
      'merge-tensors',
      lacking !== undefined
        ? `${part.name} has no ${lacking}, which ${other} has.`
        : `${other} has no ${strange}, which ${part.name} has.`,
      'Merge checkpoints of one model, saved alike.',
    );
  return found;
}

interface Source {
  readonly part: NamedCheckpoint;
  readonly info: TensorInfo;
}

function readerOf(info: TensorInfo, sources: readonly Source[], base: NamedCheckpoint | null): Reader {
  const rows = info.shape[0] ?? 1;
  const elements = info.shape.reduce((product, n) => product * n, 1);
  const all = base ? [...sources, { part: base, info }] : sources;
  const read = ({ part, info: { name } }: Source, first: number, count: number) =>
    info.shape.length ? part.weights.readRows(name, first, count) : part.weights.read(name);
  async function* raw() {
    if (elements > 0)
      for (const [first, count] of rowBlocks(rows, elements / rows)) {
        const found: Uint8Array[] = [];
        for (const source of all) found.push(await read(source, first, count));
        yield found;
      }
  }
  return {
    info,
    elements,
    async *blocks(): AsyncGenerator<Block> {
      for await (const found of raw()) {
        const values = found.map((some, i) => toFloat32(some, all[i]!.info.dtype));
        yield { parts: values.slice(0, sources.length), base: base ? values.at(-1)! : null };
      }
    },
    async *equal() {
      for await (const [first, ...others] of raw()) {
        if (others.some((some) => some.length !== first!.length || some.some((byte, at) => byte !== first![at])))
          throw new GroundworkError(
            'merge-tensors',
            `${info.name} holds ${info.dtype} numbers that differ between the checkpoints; they cannot be mixed.`,
            'Merge weights of F32, F16 or BF16. Codes of quantised weights have to be turned into floats first.',
          );
        yield first!;
      }
    },
  };
}
