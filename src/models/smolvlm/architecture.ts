/** SmolVLM and SmolVLM2 (arXiv 2504.05299), and Idefics3 (arXiv 2408.12637), whose still-image path is the same. */
import type { ParseArchitecture, PositionScheme } from '../architecture.ts';
import type { DecoderLayout } from '../decoder-manifest.ts';
import { Fields } from '../fields.ts';
import { rotaryAngles } from '../rotary-table.ts';
import { smolVLMProcessor, smolVLMSizes } from './processor.ts';
import { parseSiglip, vision, type CoordinateType } from './vision.ts';

/** Text positions count on through pictures. */
const plainPositions = (theta: number, headDim: number): PositionScheme => ({
  axes: 1,
  positions: (tokens) => ({ axes: Int32Array.from({ length: tokens.length }, (_, i) => i), next: tokens.length }),
  rotaryTable: (axes) => rotaryAngles(axes, theta, headDim),
});

/** A Llama decoder; defaults are transformers'. */
function parseLlama(text: Fields, config: Fields): { decoder: DecoderLayout; ropeTheta: number } {
  text.only('model_type', 'llama');
  text.only('hidden_act', 'silu');
  text.only('attention_bias', false);
  text.only('mlp_bias', false);
  const rope = text.at('rope_parameters').over(text.at('rope_scaling'));
  rope.only('rope_type', 'default');
  rope.only('type', 'default');
  const heads = text.number('num_attention_heads', 32);
  const hiddenSize = text.number('hidden_size', 4096);
  return {
    decoder: {
      module: 'model.text_model',
      shape: {
        hiddenSize,
        layers: text.number('num_hidden_layers', 32),
        heads,
        kvHeads: text.number('num_key_value_heads', heads),
        headDim: text.number('head_dim', hiddenSize / heads),
        intermediateSize: text.number('intermediate_size', 11008),
        normEps: text.number('rms_norm_eps', 1e-6),
      },
      qkvBias: false,
      qkNorm: false,
      vocabSize: text.number('vocab_size', 32000),
      tieWordEmbeddings: config.flag('tie_word_embeddings', false),
    },
    ropeTheta: rope.number('rope_theta', text.number('rope_theta', 10_000)),
  };
}

const smol =
  (modelType: string): ParseArchitecture =>
  (json) => {
    const config = new Fields(json);
    const { decoder, ropeTheta } = parseLlama(config.at('text_config'), config);
    const siglip = parseSiglip(config.at('vision_config'));
    const scaleFactor = config.number('scale_factor', 2);
    const side = Math.floor(siglip.imageSize / siglip.patchSize);
    if (side % scaleFactor !== 0) throw config.invalid('scale_factor', `a divisor of the tile’s ${side} patches`);
    const imageTokenId = config.tokenId('image_token_id', 128_257);
    return {
      modelType,
      decoder,
      vision: vision({
        ...siglip,
        scaleFactor,
        outHiddenSize: decoder.shape.hiddenSize,
        dtype: config.only<CoordinateType>(
          'dtype',
          config.only('torch_dtype', 'float32', 'bfloat16', 'float16'),
          'float32',
          'bfloat16',
          'float16',
        ),
      }),
      positions: plainPositions(ropeTheta, decoder.shape.headDim),
      suppressedTokens: [imageTokenId],
      canonicalName: (key) => key,
      pictureSizes: (preprocessor, limits) => smolVLMSizes(siglip, preprocessor, limits),
      processor: (files, limits) => smolVLMProcessor({ ...siglip, scaleFactor }, files, limits),
    };
  };

export const smolVLM = smol('smolvlm');
export const idefics3 = smol('idefics3');
