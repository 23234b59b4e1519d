/** config.json of a Qwen2.5-VL checkpoint, flat (≤ transformers 4.51, the Hub's files) or nested (`text_config`). */
import { GroundworkError } from '../../base/error.ts';
import type { DecoderShape } from '../../nn/decoder.ts';

export interface VisionShape {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly outHiddenSize: number;
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
  readonly inChannels: number;
  /** Pixels of a window's side. */
  readonly windowSize: number;
  /** Blocks that attend over the whole picture. */
  readonly fullAttentionBlocks: readonly number[];
}

export interface Qwen25VLConfig {
  readonly modelType: 'qwen2_5_vl';
  readonly decoder: DecoderShape;
  readonly vision: VisionShape;
  readonly vocabSize: number;
  readonly tieWordEmbeddings: boolean;
  readonly ropeTheta: number;
  /** Frequencies given to the temporal, height and width axes; their sum is half the head size. */
  readonly mropeSection: readonly [number, number, number];
  readonly imageTokenId: number;
  readonly videoTokenId: number;
  readonly visionStartTokenId: number;
  readonly visionEndTokenId: number;
}

type Json = Readonly<Record<string, unknown>>;

/** @throws GroundworkError `config-invalid`, naming the field */
export function parseQwen25VLConfig(json: Json): Qwen25VLConfig {
  const text = { ...json, ...object(json['text_config']) };
  const vision = object(json['vision_config']);
  const rope = { ...object(text['rope_scaling']), ...object(text['rope_parameters']) };
  const heads = number(text, 'num_attention_heads');
  const hiddenSize = number(text, 'hidden_size');
  const headDim = optional(text, 'head_dim', hiddenSize / heads);
  const section = rope['mrope_section'];
  if (
    !Array.isArray(section) ||
    section.length !== 3 ||
    section.reduce((a: number, b: number) => a + b, 0) * 2 !== headDim
  )
    throw invalid('rope_scaling.mrope_section', `three numbers adding up to half the head size (${headDim / 2})`);
  const activation = text['hidden_act'] ?? 'silu';
  if (activation !== 'silu') throw invalid('hidden_act', 'silu');
  if (text['use_sliding_window'] === true)
    throw invalid('use_sliding_window', 'false: sliding windows over text are not supported');
  return {
    modelType: 'qwen2_5_vl',
    decoder: {
      hiddenSize,
      layers: number(text, 'num_hidden_layers'),
      heads,
      kvHeads: optional(text, 'num_key_value_heads', heads),
      headDim,
      intermediateSize: number(text, 'intermediate_size'),
      normEps: optional(text, 'rms_norm_eps', 1e-6),
    },
    vision: {
      depth: number(vision, 'depth', 'vision_config.'),
      hiddenSize: number(vision, 'hidden_size', 'vision_config.'),
      heads: number(vision, 'num_heads', 'vision_config.'),
      intermediateSize: number(vision, 'intermediate_size', 'vision_config.'),
      outHiddenSize: optional(vision, 'out_hidden_size', hiddenSize),
      patchSize: optional(vision, 'patch_size', 14),
      temporalPatchSize: optional(vision, 'temporal_patch_size', 2),
      spatialMergeSize: optional(vision, 'spatial_merge_size', 2),
      inChannels: optional(vision, 'in_channels', optional(vision, 'in_chans', 3)),
      windowSize: optional(vision, 'window_size', 112),
      fullAttentionBlocks: (vision['fullatt_block_indexes'] as number[] | undefined) ?? [7, 15, 23, 31],
    },
    vocabSize: number(text, 'vocab_size'),
    tieWordEmbeddings: (json['tie_word_embeddings'] ?? text['tie_word_embeddings'] ?? false) === true,
    ropeTheta: optional(rope, 'rope_theta', optional(text, 'rope_theta', 1e6)),
    mropeSection: section as unknown as [number, number, number],
    imageTokenId: optional(json, 'image_token_id', 151655),
    videoTokenId: optional(json, 'video_token_id', 151656),
    visionStartTokenId: optional(json, 'vision_start_token_id', optional(text, 'vision_start_token_id', 151652)),
    visionEndTokenId: optional(json, 'vision_end_token_id', optional(text, 'vision_end_token_id', 151653)),
  };
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

function number(json: Json, key: string, prefix = ''): number {
  const value = json[key];
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
    throw invalid(prefix + key, 'a positive number');
  return value;
}

function optional(json: Json, key: string, fallback: number): number {
  const value = json[key];
  return typeof value === 'number' ? value : fallback;
}

const invalid = (field: string, expected: string) =>
  new GroundworkError(
    'config-invalid',
    `config.json: ${field} should be ${expected}.`,
    'Take config.json from the model’s page again; a Qwen2.5-VL checkpoint is expected.',
  );
