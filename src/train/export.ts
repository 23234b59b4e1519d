/**
 * What leaves the studio: an adapter in PEFT's layout, and a checkpoint folder with the adapter added to the original
 * weights (read again from the checkpoint, in f32, written in their own dtype), streamed so that it is never in memory.
 */
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { f32ArrayToBf16, f32ArrayToF16 } from '../formats/half.ts';
import { adapterKey, legacyName, writeAdapterConfig, type KeyStyle } from '../formats/peft.ts';
import type { Dtype, TensorInfo } from '../formats/safetensors.ts';
import { writeSafetensors, type TensorSpec, type TensorToWrite } from '../formats/safetensors-writer.ts';
import { INDEX_FILE, SINGLE_FILE } from '../formats/checkpoint-files.ts';
import { GroundworkError, invariant } from '../base/error.ts';
import type { Architecture } from '../models/architecture.ts';
import { weightKey } from '../models/load.ts';
import type { LinearModule } from '../models/model.ts';
import { describeTargets } from './peft-targets.ts';
import { mergedRows, rowBlocks, type MergedAdapter } from './merged-rows.ts';

export interface OutputFile {
  readonly path: string;
  readonly data: string | AsyncIterable<Uint8Array>;
  /** What a safetensors file holds. */
  readonly tensors?: readonly TensorSpec[];
}

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** adapter_config.json and adapter_model.safetensors; both name modules as `style` says. */
export function adapterFiles(
  adapter: MergedAdapter,
  linears: readonly LinearModule[],
  baseName: string,
  style: KeyStyle = 'current',
): OutputFile[] {
  const { targets, matrices } = adapter;
  const first = targets[0]!;
  const named = style === 'legacy' ? legacyName : (module: string) => module;
  const pattern = (value: 'r' | 'alpha') =>
    Object.fromEntries(targets.filter((t) => t[value] !== first[value]).map((t) => [named(t.module), t[value]]));
  const rslora = targets.some((t) => t.rslora);
  invariant(
    targets.every(({ scaling, alpha, r }) => close(scaling, alpha / (rslora ? Math.sqrt(r) : r))),
    'an adapter whose scaling is neither LoRA’s nor rsLoRA’s',
  );
  const config = writeAdapterConfig({
    baseModelNameOrPath: baseName,
    r: first.r,
    loraAlpha: first.alpha,
    loraDropout: 0,
    targetModules: describeTargets(
      targets.map((t) => named(t.module)),
      linears.map(({ name, outputHead }) => ({ name: named(name), linear: true, ...(outputHead && { outputHead }) })),
    ),
    excludeModules: null,
    layersToTransform: null,
    layersPattern: null,
    rankPattern: pattern('r'),
    alphaPattern: pattern('alpha'),
    useRslora: rslora,
    useDora: false,
    modulesToSave: null,
  });
  const tensors = targets.flatMap(({ module, r, inFeatures, outFeatures }): TensorToWrite[] => {
    const { a, b } = matrices.get(module)!;
    return [
      { name: adapterKey(module, 'lora_A', style), dtype: 'F32', shape: [r, inFeatures], bytes: () => bytesOf(a) },
      { name: adapterKey(module, 'lora_B', style), dtype: 'F32', shape: [outFeatures, r], bytes: () => bytesOf(b) },
    ];
  });
  return [
    { path: 'adapter_config.json', data: config },
    { path: 'adapter_model.safetensors', data: writeSafetensors(tensors), tensors },
  ];
}

const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.abs(b);

/** Bytes copied at a time. */
const COPY = 4 << 20;

/**
 * Every file of the checkpoint folder; weight files with the adapters folded in, in order, all others copied.
 * An adapter on a head that is the embedding's matrix, too, gives the checkpoint a head of its own: PEFT's forward pass
 * leaves the embedding as it is.
 * @throws GroundworkError `adapter-mismatch` if a module of an adapter is not in the checkpoint: nothing is written
 * that lacks part of what was learnt
 */
export function mergedFiles(
  folder: ReadonlyMap<string, ByteSource>,
  checkpoint: CheckpointWeights,
  shardOf: ReadonlyMap<string, string>,
  adapters: readonly MergedAdapter[],
  architecture: Architecture,
): OutputFile[] {
  const canonicalName = (key: string) => architecture.canonicalName(key);
  const modules = new Map(adapters.flatMap(({ targets }) => targets.map((t) => [`${t.module}.weight`, t.module])));
  const tied = modules.has(`${HEAD}.weight`) && architecture.decoder.tieWordEmbeddings;
  const untied = tied ? weightKey({ architecture, checkpoint }, HEAD) : undefined;
  if (untied !== undefined) modules.delete(`${HEAD}.weight`);
  const edits = [
    ...(checkpoint.dequantised ? [withoutCodes(checkpoint)] : []),
    ...(untied ? [withoutTie(untied, checkpoint)] : []),
  ];
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
  const here = new Set([...checkpoint.tensors.keys()].map(canonicalName));
  const missing = [...modules.keys()].filter((name) => !here.has(name));
  if (missing.length)
    throw new GroundworkError(
      'adapter-mismatch',
      `The checkpoint has no ${missing[0]} to add the adapter to (${missing.length} of ${modules.size} modules are missing).`,
      'Export the adapter only, and merge it with PEFT.',
    );
  for (const [path, infos] of shards) {
    const tensors = infos.map((info): TensorToWrite => {
      const module = modules.get(canonicalName(info.name));
      const plain = () => wholeTensor(checkpoint, info);
      return {
        name: info.name,
        dtype: info.dtype,
        shape: info.shape,
        bytes: module === undefined ? plain : () => mergedTensor(checkpoint, info, module, adapters),
      };
    });
    const shared = infos.find(({ name }) => name === untied);
    if (shared)
      tensors.push({
        name: `${HEAD}.weight`,
        dtype: shared.dtype,
        shape: shared.shape,
        bytes: () => mergedTensor(checkpoint, shared, HEAD, adapters),
      });
    files.push({ path, data: writeSafetensors(tensors), tensors });
  }
  return files;
}

const HEAD = 'lm_head';

/** Changes to the JSON files of a folder, by path. */
type Edits = Readonly<Record<string, (json: Record<string, unknown>) => void>>;

/** No tie in config.json, and the head in the embedding's file. */
const withoutTie = (embedding: string, checkpoint: CheckpointWeights): Edits => ({
  'config.json': (config) => {
    config['tie_word_embeddings'] = false;
    const text = config['text_config'] as Record<string, unknown> | undefined;
    if (text) text['tie_word_embeddings'] = false;
  },
  [INDEX_FILE]: (index) => {
    const map = index['weight_map'] as Record<string, string>;
    map[`${HEAD}.weight`] = map[embedding]!;
    const metadata = index['metadata'] as { total_size?: number } | undefined;
    if (metadata?.total_size !== undefined) metadata.total_size += checkpoint.tensors.get(embedding)!.byteLength;
  },
});

/** What is written are floats: no file may say otherwise, nor name what belonged to the codes. */
const withoutCodes = (checkpoint: CheckpointWeights): Edits => ({
  'config.json': (config) => {
    delete config['quantization_config'];
  },
  [INDEX_FILE]: (index) => {
    const map = Object.entries(index['weight_map'] as Record<string, string>);
    index['weight_map'] = Object.fromEntries(map.filter(([name]) => checkpoint.tensors.has(name)));
    const total = [...checkpoint.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    index['metadata'] = { total_size: total };
  },
});

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

async function* mergedTensor(
  checkpoint: CheckpointWeights,
  info: TensorInfo,
  module: string,
  adapters: readonly MergedAdapter[],
): AsyncGenerator<Uint8Array> {
  for await (const { values } of mergedRows(checkpoint, info.name, module, adapters))
    yield fromFloat32(values, info.dtype, info.name);
}

async function* wholeTensor(checkpoint: CheckpointWeights, info: TensorInfo): AsyncGenerator<Uint8Array> {
  const rows = info.shape[0] ?? 1;
  if (info.shape.length === 0) return yield checkpoint.read(info.name);
  for (const [first, count] of rowBlocks(rows, info.byteLength / Math.max(1, rows) / 4))
    yield checkpoint.readRows(info.name, first, count);
}

function fromFloat32(values: Float32Array, dtype: Dtype, name: string): Uint8Array {
  if (dtype === 'F32') return bytesOf(values);
  if (dtype === 'BF16') {
    const bits = f32ArrayToBf16(values);
    return new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength);
  }
  const { bits, overflowed } = f32ArrayToF16(values);
  if (overflowed)
    throw new GroundworkError(
      'half-overflow',
      `${overflowed} merged values of ${name} are too large for 16-bit floats.`,
      'Export the adapter instead, or train with a lower learning rate.',
    );
  return new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength);
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
