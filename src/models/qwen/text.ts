/** What the language models of Qwen2-VL, Qwen2.5-VL and Qwen3-VL share in config.json, flat or under `text_config`. */
import type { DecoderLayout } from '../decoder-manifest.ts';
import type { Fields } from '../fields.ts';

export interface QwenText {
  readonly decoder: DecoderLayout;
  readonly ropeTheta: number;
  /** Frequencies given to the temporal, height and width axes; their sum is half the head size. */
  readonly mropeSection: readonly [number, number, number];
  readonly imageTokenId: number;
  readonly videoTokenId: number;
  readonly visionStartTokenId: number;
  readonly visionEndTokenId: number;
}

/** Flat in checkpoints made before transformers 4.52, as all of Qwen2-VL and Qwen2.5-VL on the Hub. */
export function parseQwenText(
  config: Fields,
  family: Pick<DecoderLayout, 'qkvBias' | 'qkNorm'> & {
    /** Defaults of transformers' configuration class. */
    readonly ropeTheta: number;
    readonly normEps: number;
    /** `tie_word_embeddings` counts under `text_config` as well. */
    readonly tiedInText: boolean;
  },
): QwenText {
  const text = config.at('text_config').over(config);
  const rope = text.at('rope_parameters').over(text.at('rope_scaling'));
  const heads = text.number('num_attention_heads');
  const hiddenSize = text.number('hidden_size');
  const headDim = text.number('head_dim', hiddenSize / heads);
  const section = rope.numbers('mrope_section');
  if (section.length !== 3 || section.reduce((a, b) => a + b, 0) * 2 !== headDim)
    throw rope.invalid('mrope_section', `three numbers adding up to half the head size (${headDim / 2})`);
  text.only('hidden_act', 'silu');
  // The window only ever applied beyond `max_window_layers`, and no published checkpoint turns it on.
  text.only('use_sliding_window', false);
  return {
    decoder: {
      module: 'model.language_model',
      shape: {
        hiddenSize,
        layers: text.number('num_hidden_layers'),
        heads,
        kvHeads: text.number('num_key_value_heads', heads),
        headDim,
        intermediateSize: text.number('intermediate_size'),
        normEps: text.number('rms_norm_eps', family.normEps),
      },
      qkvBias: family.qkvBias,
      qkNorm: family.qkNorm,
      vocabSize: text.number('vocab_size'),
      tieWordEmbeddings:
        config.flag('tie_word_embeddings', false) ||
        (family.tiedInText && config.at('text_config').flag('tie_word_embeddings', false)),
    },
    ropeTheta: rope.number('rope_theta', text.number('rope_theta', family.ropeTheta)),
    mropeSection: section as unknown as [number, number, number],
    imageTokenId: config.tokenId('image_token_id', 151655),
    videoTokenId: config.tokenId('video_token_id', 151656),
    visionStartTokenId: config.tokenId('vision_start_token_id', text.tokenId('vision_start_token_id', 151652)),
    visionEndTokenId: config.tokenId('vision_end_token_id', text.tokenId('vision_end_token_id', 151653)),
  };
}

export const suppressedTokens = (text: QwenText): number[] => [
  text.imageTokenId,
  text.videoTokenId,
  text.visionStartTokenId,
  text.visionEndTokenId,
];
