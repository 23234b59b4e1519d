/** Adapters made for a test: matrices of one value on modules of a golden Qwen2.5-VL, under names of any kind. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openSafetensors, type Safetensors } from '../../src/formats/safetensors.ts';
import { writeSafetensors, type TensorToWrite } from '../../src/formats/safetensors-writer.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import type { Json } from '../../src/models/fields.ts';
import { linearModules } from '../../src/models/vision-language.ts';
import { readAdapter, type BaseWeights } from '../../src/train/import.ts';
import { collectBytes } from '../formats/collect.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const golden = fileURLToPath(new URL('../golden/', import.meta.url));
const configOf = (name: string) => JSON.parse(readFileSync(`${golden}${name}/checkpoint/config.json`, 'utf8')) as Json;
export const architecture = parseArchitecture(configOf('qwen2_5_vl/one-image'));
export const linears = linearModules(architecture);
export const LAYER = 'model.language_model.layers.0.self_attn';
export const BLOCK = 'model.visual.blocks.0.mlp';
export const R = 2;

export interface Pair {
  readonly module: string;
  readonly a?: number;
  readonly b?: number;
  readonly rank?: number;
}

export const tensor = (name: string, shape: readonly number[], value: number): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape,
  bytes: () => new Uint8Array(new Float32Array(shape.reduce((x, y) => x * y, 1)).fill(value).buffer),
});

export function pair({ module, a = 0.5, b = 0.25, rank = R }: Pair, written = module): TensorToWrite[] {
  const { inFeatures, outFeatures } = linears.find(({ name }) => name === module)!;
  const key = `base_model.model.${written}`;
  return [
    tensor(`${key}.lora_A.weight`, [rank, inFeatures], a),
    tensor(`${key}.lora_B.weight`, [outFeatures, rank], b),
  ];
}

/** adapter_model.safetensors of these tensors. */
export const bytesOf = (tensors: readonly TensorToWrite[]): Promise<Uint8Array<ArrayBuffer>> =>
  collectBytes(writeSafetensors(tensors)) as Promise<Uint8Array<ArrayBuffer>>;

export const file = async (tensors: readonly TensorToWrite[]): Promise<Safetensors> =>
  openSafetensors(bytesSource(await bytesOf(tensors)), 'adapter_model.safetensors');

export const config = (fields: Json) => JSON.stringify({ peft_type: 'LORA', r: R, lora_alpha: 4, ...fields });

export const read = async (fields: Json, tensors: readonly TensorToWrite[], base?: BaseWeights) =>
  readAdapter(linears, config(fields), await file(tensors), base);
