/** config.json of a Qwen2.5-VL checkpoint, flat (≤ transformers 4.51, the Hub's files) or nested (`text_config`). */
import type { Fields } from '../fields.ts';
import { parseQwenText, type QwenText } from '../qwen/text.ts';

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
  readonly text: QwenText;
  readonly vision: VisionShape;
}

/** @throws GroundworkError `config-invalid`, naming the field */
export function parseQwen25VLConfig(config: Fields): Qwen25VLConfig {
  const text = parseQwenText(config, {
    qkvBias: true,
    qkNorm: false,
    ropeTheta: 1e6,
    normEps: 1e-5,
    tiedInText: true,
  });
  const vision = config.at('vision_config');
  vision.only('hidden_act', 'silu');
  return {
    text,
    vision: {
      depth: vision.number('depth'),
      hiddenSize: vision.number('hidden_size'),
      heads: vision.number('num_heads'),
      intermediateSize: vision.number('intermediate_size'),
      outHiddenSize: vision.number('out_hidden_size', text.decoder.shape.hiddenSize),
      patchSize: vision.number('patch_size', 14),
      temporalPatchSize: vision.number('temporal_patch_size', 2),
      spatialMergeSize: vision.number('spatial_merge_size', 2),
      inChannels: vision.number('in_channels', vision.number('in_chans', 3)),
      windowSize: vision.number('window_size', 112),
      fullAttentionBlocks: vision.numbers('fullatt_block_indexes', [7, 15, 23, 31]),
    },
  };
}
