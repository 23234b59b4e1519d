/**
 * What leaves the studio: an adapter in PEFT's layout, and a checkpoint folder with the adapter added to the original
 * weights (read again from the checkpoint, in f32, written in their own dtype), streamed so that it is never in memory.
 */
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { adapterKey, legacyName, writeAdapterConfig, type KeyStyle } from '../formats/peft.ts';
import type { Dtype } from '../formats/safetensors.ts';
import { writeSafetensors, type TensorToWrite } from '../formats/safetensors-writer.ts';
import { INDEX_FILE } from '../formats/checkpoint-files.ts';
import { GroundworkError, invariant } from '../base/error.ts';
import type { Architecture } from '../models/architecture.ts';
import { weightKey } from '../models/load.ts';
import type { LinearModule } from '../models/model.ts';
import { describeTargets } from './peft-targets.ts';
import {
  bytesOf,
  checkpointFolder,
  copiedTensor,
  fromFloat32,
  writtenTensors,
  type Edits,
  type OutputFile,
} from './checkpoint-folder.ts';
import { mergedRows, type MergedAdapter } from './merged-rows.ts';

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
    { path: 'adapter_model.safetensors', data: writeSafetensors(tensors), tensors: writtenTensors(tensors) },
  ];
}

const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.abs(b);

/**
 * Every file of the checkpoint folder; weight files with the adapters folded in, in order, all others copied.
 * An adapter on a head that is the embedding's matrix, too, gives the checkpoint a head of its own: PEFT's forward pass
 * leaves the embedding as it is.
 * @throws GroundworkError `adapter-mismatch` if a module of an adapter is not in the checkpoint: nothing is written
 * that lacks part of what was learnt
 * @param as the type of weights that adapters change; absent: as each is stored
 */
export function mergedFiles(
  folder: ReadonlyMap<string, ByteSource>,
  checkpoint: CheckpointWeights,
  shardOf: ReadonlyMap<string, string>,
  adapters: readonly MergedAdapter[],
  architecture: Architecture,
  as?: 'F32',
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
  const here = new Set([...checkpoint.tensors.keys()].map(canonicalName));
  const missing = [...modules.keys()].filter((name) => !here.has(name));
  if (missing.length)
    throw new GroundworkError(
      'adapter-mismatch',
      `The checkpoint has no ${missing[0]} to add the adapter to (${missing.length} of ${modules.size} modules are missing).`,
      'Export the adapter only, and merge it with PEFT.',
    );
  return checkpointFolder(folder, checkpoint, shardOf, edits, (info) => {
    // A copy of the embedding, which the head of its own replaces.
    if (untied !== undefined && canonicalName(info.name) === `${HEAD}.weight`) return [];
    const module = modules.get(canonicalName(info.name));
    const written = { ...info, dtype: as ?? info.dtype };
    const merged = (of: string) => () => mergedTensor(checkpoint, info.name, of, adapters, written.dtype);
    const same = module === undefined ? copiedTensor(checkpoint, info) : { ...written, bytes: merged(module) };
    return info.name === untied ? [same, { ...written, name: `${HEAD}.weight`, bytes: merged(HEAD) }] : [same];
  });
}

const HEAD = 'lm_head';

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

async function* mergedTensor(
  checkpoint: CheckpointWeights,
  key: string,
  module: string,
  adapters: readonly MergedAdapter[],
  dtype: Dtype,
): AsyncGenerator<Uint8Array> {
  for await (const { values } of mergedRows(checkpoint, key, module, adapters)) yield fromFloat32(values, dtype, key);
}
