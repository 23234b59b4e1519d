/** SmolVLM and SmolVLM2 (arXiv 2504.05299), and Idefics3 (arXiv 2408.12637), whose still-image path is the same. */
import type { ParseArchitecture, PositionScheme } from '../architecture.ts';
import type { DecoderLayout } from '../decoder-manifest.ts';
import { notesOnConfig } from '../config-keys.ts';
import { parseDecoderShape } from '../decoder-shape.ts';
import { Fields } from '../fields.ts';
import { parseRope, type Rope } from '../rope.ts';
import { rotaryAngles } from '../rotary-table.ts';
import { smolGguf } from './gguf.ts';
import { budgeted } from '../picture-budget.ts';
import { smolVLMProcessor, smolVLMSizes } from './processor.ts';
import { parseSiglip, vision, type CoordinateType } from './vision.ts';

/** Text positions count on through pictures. */
const plainPositions = (rope: Rope): PositionScheme => ({
  axes: 1,
  positions: (tokens) => ({ axes: Int32Array.from({ length: tokens.length }, (_, i) => i), next: tokens.length }),
  rotaryTable: (axes) => rotaryAngles(axes, rope),
});

/** A Llama decoder; defaults are transformers'. */
function parseLlama(text: Fields, config: Fields): { decoder: DecoderLayout; rope: Rope; maxPositions: number } {
  text.only('model_type', 'llama');
  const shape = parseDecoderShape(text, {
    normEps: 1e-6,
    headApart: true,
    sizes: { hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32, intermediate_size: 11_008 },
  });
  const bias = text.flag('attention_bias', false);
  return {
    decoder: {
      module: 'model.text_model',
      shape,
      bias: { qkv: bias, o: bias, mlp: text.flag('mlp_bias', false) },
      qkNorm: false,
      vocabSize: text.size('vocab_size', 32_000),
      tieWordEmbeddings: config.flag('tie_word_embeddings', false),
    },
    maxPositions: text.size('max_position_embeddings', 2048),
    rope: parseRope(text, shape.headDim, { theta: 10_000, maxPositions: 2048 }),
  };
}

const smol =
  (modelType: string): ParseArchitecture =>
  (json) => {
    const config = new Fields(json);
    const { decoder, rope, maxPositions } = parseLlama(config.at('text_config'), config);
    const siglip = parseSiglip(config.at('vision_config'));
    const scaleFactor = config.size('scale_factor', 2);
    const side = Math.floor(siglip.imageSize / siglip.patchSize);
    if (side % scaleFactor !== 0) throw config.invalid('scale_factor', `a divisor of the tile’s ${side} patches`);
    const imageTokenId = config.tokenId('image_token_id', 128_257);
    const tower = {
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
    };
    return {
      notes: notesOnConfig(json, config.asked),
      modelType,
      decoder,
      vision: vision(tower),
      gguf: smolGguf(decoder, { rope, maxPositions }, tower),
      positions: plainPositions(rope),
      contextTokens: maxPositions,
      suppressedTokens: [imageTokenId],
      canonicalName: (key) => key,
      pictureSizes: (preprocessor, limits) =>
        budgeted((budget) => smolVLMSizes(siglip, preprocessor, { ...limits, ...budget })),
      processor: (files, limits) =>
        budgeted((budget) => smolVLMProcessor({ ...siglip, scaleFactor }, files, { ...limits, ...budget })),
    };
  };

export const smolVLM = smol('smolvlm');
export const idefics3 = smol('idefics3');
