/**
 * config.json of the published checkpoints, as far as their shapes go: for planning memory and for writing checkpoints
 * of full size with random weights. Sources: the models' pages as quoted in transformers' and torchtitan's repositories;
 * every parameter count is checked by a test.
 */
import { printed } from '../../base/json.ts';
import type { Json } from '../../models/fields.ts';

export interface PublishedModel {
  readonly id: string;
  /** Parameters, a tied head counted once. */
  readonly parameters: number;
  readonly config: Json;
}

const qwen2Text = (
  hidden: number,
  layers: number,
  heads: number,
  kvHeads: number,
  ffn: number,
  vocabulary: number,
  tied: boolean,
) => ({
  hidden_size: hidden,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  intermediate_size: ffn,
  vocab_size: vocabulary,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
  tie_word_embeddings: tied,
  torch_dtype: 'bfloat16',
});

const qwen2Vision = (hidden: number) => ({
  vision_config: { depth: 32, embed_dim: 1280, num_heads: 16, mlp_ratio: 4, hidden_size: hidden, patch_size: 14 },
});

const qwen25Vision = (hidden: number) => ({
  vision_config: {
    depth: 32,
    hidden_size: 1280,
    num_heads: 16,
    intermediate_size: 3420,
    out_hidden_size: hidden,
    patch_size: 14,
    window_size: 112,
    fullatt_block_indexes: [7, 15, 23, 31],
  },
});

const qwen3 = (
  text: readonly [hidden: number, layers: number, heads: number, ffn: number],
  vision: readonly [hidden: number, depth: number, ffn: number, levels: readonly number[]],
  tied: boolean,
): Json => ({
  model_type: 'qwen3_vl',
  tie_word_embeddings: tied,
  text_config: {
    hidden_size: text[0],
    num_hidden_layers: text[1],
    num_attention_heads: text[2],
    num_key_value_heads: 8,
    head_dim: 128,
    intermediate_size: text[3],
    vocab_size: 151_936,
    rms_norm_eps: 1e-6,
    rope_theta: 5e6,
    rope_scaling: { mrope_interleaved: true, mrope_section: [24, 20, 20], rope_type: 'default' },
    dtype: 'bfloat16',
  },
  vision_config: {
    hidden_size: vision[0],
    depth: vision[1],
    intermediate_size: vision[2],
    num_heads: 16,
    out_hidden_size: text[0],
    patch_size: 16,
    num_position_embeddings: 2304,
    deepstack_visual_indexes: vision[3],
  },
});

const smol = (
  text: readonly [hidden: number, layers: number, heads: number, kvHeads: number, ffn: number, vocabulary: number],
  vision: readonly [hidden: number, layers: number, heads: number, ffn: number, image: number, patch: number],
  scale: number,
): Json => ({
  model_type: 'smolvlm',
  scale_factor: scale,
  image_token_id: 49_190,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  text_config: {
    model_type: 'llama',
    hidden_size: text[0],
    num_hidden_layers: text[1],
    num_attention_heads: text[2],
    num_key_value_heads: text[3],
    head_dim: 64,
    intermediate_size: text[4],
    vocab_size: text[5],
    rms_norm_eps: 1e-5,
    rope_theta: 100_000,
  },
  vision_config: {
    hidden_size: vision[0],
    num_hidden_layers: vision[1],
    num_attention_heads: vision[2],
    intermediate_size: vision[3],
    image_size: vision[4],
    patch_size: vision[5],
  },
});

export const PUBLISHED: readonly PublishedModel[] = [
  {
    id: 'HuggingFaceTB/SmolVLM2-256M-Video-Instruct',
    parameters: 256_484_928,
    config: smol([576, 30, 9, 3, 1536, 49_280], [768, 12, 12, 3072, 512, 16], 4),
  },
  {
    id: 'HuggingFaceTB/SmolVLM2-500M-Video-Instruct',
    parameters: 507_482_304,
    config: smol([960, 32, 15, 5, 2560, 49_280], [768, 12, 12, 3072, 512, 16], 4),
  },
  {
    id: 'HuggingFaceTB/SmolVLM2-2.2B-Instruct',
    parameters: 2_246_272_880,
    config: smol([2048, 24, 32, 32, 8192, 49_155], [1152, 27, 16, 4304, 384, 14], 3),
  },
  {
    id: 'Qwen/Qwen2-VL-2B-Instruct',
    parameters: 2_208_985_600,
    config: { model_type: 'qwen2_vl', ...qwen2Text(1536, 28, 12, 2, 8960, 151_936, true), ...qwen2Vision(1536) },
  },
  {
    id: 'Qwen/Qwen2-VL-7B-Instruct',
    parameters: 8_291_375_616,
    config: { model_type: 'qwen2_vl', ...qwen2Text(3584, 28, 28, 4, 18_944, 152_064, false), ...qwen2Vision(3584) },
  },
  {
    id: 'Qwen/Qwen2.5-VL-3B-Instruct',
    parameters: 3_754_622_976,
    config: { model_type: 'qwen2_5_vl', ...qwen2Text(2048, 36, 16, 2, 11_008, 151_936, true), ...qwen25Vision(2048) },
  },
  {
    id: 'Qwen/Qwen2.5-VL-7B-Instruct',
    parameters: 8_292_166_656,
    config: { model_type: 'qwen2_5_vl', ...qwen2Text(3584, 28, 28, 4, 18_944, 152_064, false), ...qwen25Vision(3584) },
  },
  {
    id: 'Qwen/Qwen3-VL-2B-Instruct',
    parameters: 2_127_532_032,
    config: qwen3([2048, 28, 16, 6144], [1024, 24, 4096, [5, 11, 17]], true),
  },
  {
    id: 'Qwen/Qwen3-VL-4B-Instruct',
    parameters: 4_437_815_808,
    config: qwen3([2560, 36, 32, 9728], [1024, 24, 4096, [5, 11, 17]], true),
  },
  {
    id: 'Qwen/Qwen3-VL-8B-Instruct',
    parameters: 8_767_123_696,
    config: qwen3([4096, 36, 32, 12_288], [1152, 27, 4304, [8, 16, 24]], false),
  },
];

/** By id, or the end of one. */
export const findPublished = (name: string | undefined): PublishedModel | undefined =>
  PUBLISHED.find(({ id }) => id === name || id.endsWith(`/${name}`));

export const publishedIds = (): string[] => PUBLISHED.map(({ id }) => id);

/** preprocessor_config.json as published, as far as sizes go. */
export function publishedPreprocessor(config: Json): Json {
  if (config['model_type'] === 'qwen3_vl') return { size: { shortest_edge: 65_536, longest_edge: 16_777_216 } };
  if (!['smolvlm', 'idefics3'].includes(printed(config['model_type'])))
    return { min_pixels: 3136, max_pixels: 12_845_056 };
  const tile = (config['vision_config'] as { readonly image_size: number }).image_size;
  return { size: { longest_edge: 4 * tile }, max_image_size: { longest_edge: tile }, resample: 1 };
}
