/** A checkpoint folder of a published shape with random weights, on disk. */
import type { PublishedModel } from '../engine/model/published.ts';
import { syntheticFiles } from '../engine/full-size/random-weights.ts';
import { filesUnder, writeFiles } from './node-files.ts';

export interface SyntheticOptions {
  readonly seed: number;
  /** Where tokenizer and template come from; default: a small checkpoint of the family. */
  readonly textFrom?: string;
  readonly maxShardBytes?: number;
  readonly onFile?: (path: string) => void;
}

export async function writeSynthetic(
  model: PublishedModel,
  out: string,
  { seed, textFrom, maxShardBytes, onFile }: SyntheticOptions,
): Promise<void> {
  const textFiles = await filesUnder(textFrom ?? TEXT_FROM[String(model.config['model_type'])]!);
  const files = await syntheticFiles(model, { textFiles, seed, ...(maxShardBytes !== undefined && { maxShardBytes }) });
  await writeFiles(out, files, onFile);
}

const TEXT_FROM: Readonly<Record<string, string>> = {
  qwen2_vl: 'tests/golden/qwen2_vl/one-image/checkpoint',
  qwen2_5_vl: 'public/starter/model',
  qwen3_vl: 'tests/golden/qwen3_vl/one-image/checkpoint',
  smolvlm: 'tests/golden/smolvlm/split/checkpoint',
};
