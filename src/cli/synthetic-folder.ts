/** A checkpoint folder of a published shape with random weights, on disk. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PublishedModel } from '../engine/full-size/published.ts';
import { syntheticFiles } from '../engine/full-size/synthesise.ts';
import { filesUnder } from './node-files.ts';

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
  await mkdir(out, { recursive: true });
  const files = await syntheticFiles(model, { textFiles, seed, ...(maxShardBytes !== undefined && { maxShardBytes }) });
  for (const { path, data } of files) {
    const file = join(out, path);
    await pipeline(typeof data === 'string' ? Readable.from([data]) : Readable.from(data), createWriteStream(file));
    onFile?.(file);
  }
}

const TEXT_FROM: Readonly<Record<string, string>> = {
  qwen2_vl: 'tests/golden/qwen2_vl/one-image/checkpoint',
  qwen2_5_vl: 'public/starter/model',
  qwen3_vl: 'tests/golden/qwen3_vl/one-image/checkpoint',
  smolvlm: 'tests/golden/smolvlm/split/checkpoint',
};
