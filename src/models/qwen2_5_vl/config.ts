/** config.json of a Qwen2.5-VL checkpoint, flat (≤ transformers 4.51, the Hub's files) or nested (`text_config`). */
import type { Fields } from '../fields.ts';
import { parseQwenText, type QwenText } from '../qwen/text.ts';
import { parseHeads, parsePatches } from '../qwen/vision-sizes.ts';

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
    headApart: false,
    interleaved: false,
    ropeTheta: 1e6,
    maxPositions: 32_768,
    normEps: 1e-5,
    tiedInText: true,
  });
  const vision = config.at('vision_config');
  vision.only('hidden_act', 'silu');
  const textHiddenSize = text.decoder.shape.hiddenSize;
  const outHiddenSize = vision.size('out_hidden_size', textHiddenSize);
  if (outHiddenSize !== textHiddenSize)
    throw vision.invalid('out_hidden_size', `the text's hidden size (${textHiddenSize})`);
  const hiddenSize = vision.size('hidden_size', undefined, 4);
  const patches = parsePatches(vision, 14);
  const windowSize = vision.size('window_size', 112);
  const unit = patches.patchSize * patches.spatialMergeSize;
  if (windowSize < unit) throw vision.invalid('window_size', `at least the ${unit} pixels of one token`);
  return {
    text,
    vision: {
      depth: vision.layers('depth'),
      hiddenSize,
      heads: parseHeads(vision, hiddenSize),
      intermediateSize: vision.size('intermediate_size', undefined, 4),
      outHiddenSize,
      ...patches,
      windowSize,
      fullAttentionBlocks: vision.numbers('fullatt_block_indexes', [7, 15, 23, 31]),
    },
  };
}
