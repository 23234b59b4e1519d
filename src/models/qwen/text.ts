/** What the language models of Qwen2-VL, Qwen2.5-VL and Qwen3-VL share in config.json, flat or under `text_config`. */
import type { DecoderLayout } from '../decoder-manifest.ts';
import { parseDecoderShape } from '../decoder-shape.ts';
import type { Fields } from '../fields.ts';
import { parseRope, ropeFields, type Rope } from '../rope.ts';

export interface QwenText {
  readonly decoder: DecoderLayout;
  readonly rope: Rope;
  /** Longest context that the model was made for, tokens. */
  readonly maxPositions: number;
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
  family: Pick<DecoderLayout, 'qkNorm'> & {
    /** Defaults of transformers' configuration class. */
    readonly ropeTheta: number;
    readonly maxPositions: number;
    readonly normEps: number;
    /** A bias of q, k and v, always; null: of all four projections, if `attention_bias` says so. */
    readonly qkvBias: true | null;
    /** The axes take turns among the frequencies. */
    readonly interleaved: boolean;
    /** A head may be of another size than hidden / heads. */
    readonly headApart: boolean;
    /** `tie_word_embeddings` counts under `text_config` as well. */
    readonly tiedInText: boolean;
  },
): QwenText {
  const text = config.at('text_config').over(config);
  const shape = parseDecoderShape(text, { normEps: family.normEps, headApart: family.headApart });
  const { headDim } = shape;
  const rope = ropeFields(text);
  const section = rope.numbers('mrope_section');
  if (
    section.length !== 3 ||
    !section.every((n) => Number.isInteger(n) && n >= 0) ||
    section.reduce((a, b) => a + b, 0) * 2 !== headDim
  )
    throw rope.invalid('mrope_section', `three whole numbers adding up to half the head size (${headDim / 2})`);
  rope.only('mrope_interleaved', family.interleaved);
  const bias = family.qkvBias ?? text.flag('attention_bias', false);
  return {
    decoder: {
      module: 'model.language_model',
      shape,
      bias: { qkv: bias, o: bias && family.qkvBias === null, mlp: false },
      qkNorm: family.qkNorm,
      vocabSize: text.size('vocab_size'),
      tieWordEmbeddings:
        config.flag('tie_word_embeddings', false) ||
        (family.tiedInText && config.at('text_config').flag('tie_word_embeddings', false)),
    },
    maxPositions: text.size('max_position_embeddings', family.maxPositions),
    rope: parseRope(text, headDim, { theta: family.ropeTheta, maxPositions: family.maxPositions }),
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
