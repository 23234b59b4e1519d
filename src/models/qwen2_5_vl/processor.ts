/** Qwen2.5-VL's processor: smart_resize, bicubic, CLIP normalisation, merge-block patches, and Qwen's chat tokens. */
import type { Size } from '../../grounding/box.ts';
import { CONVENTIONS } from '../../grounding/convention.ts';
import { CLIP_NORMALISATION, type Normalisation } from '../../image/normalise.ts';
import { patchify } from '../../image/patchify.ts';
import { resize } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import { smartResize } from '../../image/smart-resize.ts';
import type { ChatTemplate } from '../../text/chat-template.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import type { PixelInput } from '../model.ts';
import type { PixelLimits, Processor } from '../processor.ts';
import type { Qwen25VLConfig } from './config.ts';

type Json = Readonly<Record<string, unknown>>;

const IMAGE_PAD = '<|image_pad|>';
const END_OF_TURN = '<|im_end|>';

export interface ProcessorFiles {
  readonly preprocessor: Json;
  readonly generation: Json;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

/** `overrides` replace the pixel limits of preprocessor_config.json. */
export function qwen25VLProcessor(
  config: Qwen25VLConfig,
  { preprocessor, generation, tokenizer, template }: ProcessorFiles,
  overrides: Partial<PixelLimits> = {},
): Processor {
  const { patchSize, spatialMergeSize: mergeSize, temporalPatchSize } = config.vision;
  const limits = { ...pixelLimits(preprocessor), ...overrides };
  const factor = patchSize * mergeSize;
  const normalisation: Normalisation = {
    mean: (preprocessor['image_mean'] as number[] | undefined) ?? CLIP_NORMALISATION.mean,
    std: (preprocessor['image_std'] as number[] | undefined) ?? CLIP_NORMALISATION.std,
    ...(typeof preprocessor['rescale_factor'] === 'number' && { rescaleFactor: preprocessor['rescale_factor'] }),
  };
  const modelSize = (natural: Size) => smartResize(natural, { factor, ...limits });
  const tokensOf = (size: Size) => (size.width / factor) * (size.height / factor);
  const eos = generation['eos_token_id'];
  const eosTokenIds = Array.isArray(eos)
    ? (eos as number[])
    : typeof eos === 'number'
      ? [eos]
      : [tokenizer.requireId(END_OF_TURN)];
  return {
    tokenizer,
    template,
    convention: CONVENTIONS.qwen2_5_vl,
    endOfTurn: END_OF_TURN,
    eosTokenIds,
    padTokenId: typeof generation['pad_token_id'] === 'number' ? generation['pad_token_id'] : eosTokenIds[0]!,
    limits,
    modelSize,
    gridOf: (size) => ({ height: size.height / patchSize, width: size.width / patchSize }),
    pixels: (image: RgbImage): PixelInput => {
      const size = modelSize(image);
      const resized = size.width === image.width && size.height === image.height ? image : resize(image, size);
      const { values, rows, columns } = patchify(resized, { patchSize, mergeSize, temporalPatchSize }, normalisation);
      return { pixels: values, grid: { height: rows, width: columns } };
    },
    placeholder: (sizes) => ({
      token: IMAGE_PAD,
      expansion: (image) => new Array<number>(tokensOf(sizes[image]!)).fill(config.imageTokenId),
    }),
  };
}

/** min_pixels / max_pixels, or transformers 5's size.{shortest,longest}_edge (areas, despite the name). */
function pixelLimits(json: Json): PixelLimits {
  const size = (json['size'] ?? {}) as Json;
  const pick = (key: string, edge: string, fallback: number) => {
    const value = json[key] ?? size[key] ?? size[edge];
    return typeof value === 'number' ? value : fallback;
  };
  return {
    minPixels: pick('min_pixels', 'shortest_edge', 56 * 56),
    maxPixels: pick('max_pixels', 'longest_edge', 28 * 28 * 1280),
  };
}
