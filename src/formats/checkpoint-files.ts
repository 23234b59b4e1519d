/**
 * The weights of a checkpoint folder, in one file or in shards with `model.safetensors.index.json`: where to find
 * each tensor when reading, and how to cut when writing (huggingface_hub's `split_torch_state_dict_into_shards`).
 */
import { GroundworkError } from '../base/error.ts';
import { parseShallow } from '../base/json.ts';
import type { ByteSource, Bytes } from './byte-source.ts';
import { openSafetensors, type Safetensors, type TensorInfo } from './safetensors.ts';
import { tensorBytes, type TensorSpec } from './safetensors-writer.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

export interface CheckpointWeights {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The files hold codes, and what is read are the values they stand for (quantised-weights.ts). */
  readonly dequantised?: true;
  read(name: string): Promise<Bytes>;
  readRows(name: string, first: number, count: number): Promise<Bytes>;
}

function parseIndex(text: string): Map<string, string> {
  const broken = (what: string, cause?: unknown) =>
    new GroundworkError('checkpoint-index', `${INDEX_FILE}: ${what}`, 'Download the index file again.', { cause });
  let index: unknown;
  try {
    index = parseShallow(text);
  } catch (cause) {
    throw broken('it is not JSON.', cause);
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw broken('it has no weight_map.');
  const entries = Object.entries(map);
  if (!entries.every(([, file]) => typeof file === 'string'))
    throw broken('its weight_map names something that is not a file.');
  return new Map(entries as [string, string][]);
}

/**
 * Opens the weights among `files` (by name inside the checkpoint folder). Tensors a shard holds beyond the index are
 * left out, as transformers does. Throws `checkpoint-incomplete`, `checkpoint-index`, or what openSafetensors throws.
 */
export async function openCheckpoint(files: ReadonlyMap<string, ByteSource>): Promise<CheckpointWeights> {
  const index = files.get(INDEX_FILE);
  const located = index ? parseIndex(new TextDecoder().decode(await index.read(0, index.size))) : null;
  const names = located ? [...new Set(located.values())].sort() : [SINGLE_FILE];
  const missing = names.filter((name) => !files.has(name));
  if (missing.length)
    throw new GroundworkError(
      'checkpoint-incomplete',
      `Missing: ${missing.join(', ')}.`,
      'Choose the whole model folder, with every .safetensors file.',
    );

  const homes = new Map<string, Safetensors>();
  const tensors = new Map<string, TensorInfo>();
  for (const name of names) {
    const shard = await openSafetensors(files.get(name)!, name);
    for (const [key, info] of shard.tensors) {
      if (located && located.get(key) !== name) continue;
      homes.set(key, shard);
      tensors.set(key, info);
    }
  }
  for (const [key, name] of located ?? [])
    if (!homes.has(key))
      throw new GroundworkError(
        'checkpoint-incomplete',
        `${name} has no “${key}”, although the index lists it.`,
        'Shards of two versions are mixed. Download the model again.',
      );

  const home = (name: string): Safetensors => {
    const shard = homes.get(name);
    if (!shard)
      throw new GroundworkError(
        'tensor-missing',
        `The checkpoint has no tensor “${name}”.`,
        'The weights do not belong to this model.',
      );
    return shard;
  };
  return {
    tensors,
    read: async (name) => home(name).read(name),
    readRows: async (name, first, count) => home(name).readRows(name, first, count),
  };
}

export interface ShardPlan<T extends TensorSpec> {
  readonly shards: readonly { readonly file: string; readonly tensors: readonly T[] }[];
  /** Text of model.safetensors.index.json; null when one file is enough. */
  readonly index: string | null;
}

/** Cuts tensors into shards of at most `maxBytes` (a larger tensor gets its own), in the order given. */
export function planShards<T extends TensorSpec>(tensors: readonly T[], maxBytes = 5e9): ShardPlan<T> {
  const groups: T[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const more = tensorBytes(tensor);
    if (bytes + more > maxBytes && groups.at(-1)!.length) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(tensor);
    bytes += more;
  }
  if (groups.length === 1) return { shards: [{ file: SINGLE_FILE, tensors }], index: null };
  const five = (n: number) => String(n).padStart(5, '0');
  const shards = groups.map((group, i) => ({
    file: `model-${five(i + 1)}-of-${five(groups.length)}.safetensors`,
    tensors: group,
  }));
  const located = shards.flatMap(({ file, tensors: mine }) =>
    mine.map((tensor): [string, string] => [tensor.name, file]),
  );
  located.sort(([a], [b]) => (a < b ? -1 : 1));
  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  return {
    shards,
    index: `${JSON.stringify({ metadata: { total_size: total }, weight_map: Object.fromEntries(located) }, null, 2)}\n`,
  };
}
