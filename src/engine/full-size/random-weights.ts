/**
 * Checkpoints of published shapes with random weights: real names, real shards, real bytes, nothing learnt. They stand
 * in for downloads where loading, memory and speed are measured.
 */
import { Random } from '../../base/random.ts';
import { planShards } from '../../formats/checkpoint-files.ts';
import { f32ToBf16 } from '../../formats/half.ts';
import { legacyName } from '../../formats/peft-names.ts';
import { writeSafetensors, type TensorToWrite } from '../../formats/safetensors-writer.ts';
import type { Json } from '../../models/fields.ts';
import { parseArchitecture } from '../../models/load.ts';
import { matrixShape, type TensorEntry } from '../../models/manifest.ts';
import { entriesOf } from '../../models/vision-language.ts';
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import type { NamedFile } from '../protocol/words.ts';
import { publishedPreprocessor, type PublishedModel } from '../model/published.ts';

export interface SynthesisOptions {
  /** Files of a small checkpoint of the same family: tokenizer, template, preprocessor. */
  readonly textFiles: readonly NamedFile[];
  readonly seed: number;
  /** Largest shard, bytes. Default: transformers' 5 GB. */
  readonly maxShardBytes?: number;
}

/** Tokens that the small tokenizer numbers differently from the published one. */
const TOKEN_FIELDS: Readonly<Record<string, string>> = {
  image_token_id: '<|image_pad|>',
  video_token_id: '<|video_pad|>',
  vision_start_token_id: '<|vision_start|>',
  vision_end_token_id: '<|vision_end|>',
};

/** Every file of the folder, each produced when it is read; weights are bfloat16. */
export async function syntheticFiles(
  { config }: PublishedModel,
  { textFiles, seed, maxShardBytes }: SynthesisOptions,
): Promise<OutputFile[]> {
  const entries = entriesOf(parseArchitecture(config));
  // The Hub's files of Qwen2-VL and Qwen2.5-VL keep the names from before transformers 4.52.
  const old = config['model_type'] === 'qwen2_vl' || config['model_type'] === 'qwen2_5_vl';
  const noise = new Noise(seed);
  const tensors = entries.map((entry, i): TensorToWrite => {
    return {
      name: old ? legacyName(entry.name) : entry.name,
      dtype: 'BF16',
      shape: entry.shape,
      bytes: () => noise.tensor(entry, i),
    };
  });
  const { shards, index } = planShards(tensors, maxShardBytes);
  const files: OutputFile[] = shards.map(({ file, tensors: part }) => ({ path: file, data: writeSafetensors(part) }));
  if (index) files.push({ path: 'model.safetensors.index.json', data: index });
  files.push({
    path: 'config.json',
    data: `${JSON.stringify({ ...config, ...(await tokenIds(textFiles, config)) }, null, 2)}\n`,
  });
  files.push({ path: 'preprocessor_config.json', data: `${JSON.stringify(publishedPreprocessor(config), null, 2)}\n` });
  const written = new Set(files.map(({ path }) => path));
  for (const { path, file } of textFiles)
    if (!written.has(path) && !path.includes('.safetensors')) files.push({ path, data: await file.text() });
  return files;
}

async function tokenIds(textFiles: readonly NamedFile[], config: Json): Promise<Record<string, number>> {
  const found = textFiles.find(({ path }) => path === 'tokenizer.json');
  if (!found) return {};
  const json = JSON.parse(await found.file.text()) as {
    added_tokens?: readonly { readonly id: number; readonly content: string }[];
  };
  const ids = new Map(json.added_tokens?.map(({ id, content }) => [content, id]));
  const fields = config['model_type'] === 'smolvlm' ? { image_token_id: '<image>' } : TOKEN_FIELDS;
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, token]) => (ids.has(token) ? [[field, ids.get(token)!]] : [])),
  );
}

/** Random numbers drawn once; what a tensor is made of. */
const POOL = 1 << 18;
const CHUNK_ROWS_BYTES = 4 << 20;

/**
 * Matrices are normal with variance 1 / inputs, so that activations keep their size; norms are one, biases zero. The
 * numbers come from one pool of 2¹⁸, entered at a place of its own by every tensor: drawing billions would take an hour.
 */
class Noise {
  readonly #pool: Float32Array;
  readonly #scaled = new Map<number, Uint16Array<ArrayBuffer>>();

  constructor(seed: number) {
    const random = new Random(seed);
    this.#pool = Float32Array.from({ length: POOL }, () => random.normal());
  }

  async *tensor(entry: TensorEntry, index: number): AsyncGenerator<Uint8Array> {
    const [rows, columns] = matrixShape(entry);
    const size = rows * columns;
    if (entry.role === 'vector') {
      const one = /norm\w*\.weight$|layernorm\.weight$|ln_q\.weight$/.test(entry.name);
      yield new Uint8Array(new Uint16Array(size).fill(one ? f32ToBf16(1) : 0).buffer);
      return;
    }
    const scale = entry.role === 'embedding' || entry.role === 'table' ? 0.02 : 1 / Math.sqrt(columns);
    let scaled = this.#scaled.get(scale);
    if (!scaled) this.#scaled.set(scale, (scaled = Uint16Array.from(this.#pool, (v) => f32ToBf16(v * scale))));
    let at = (index * 104_729) % POOL;
    for (let done = 0; done < size;) {
      const count = Math.min(size - done, CHUNK_ROWS_BYTES / 2, POOL - at);
      yield new Uint8Array(scaled.buffer, at * 2, count * 2);
      done += count;
      // An odd stride, so that rows of equal length do not repeat each other.
      at = at + count >= POOL ? (index * 7919 + done) % 4093 : at + count;
    }
  }
}
