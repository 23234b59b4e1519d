/** The Qwen-VL processor: smart_resize, bicubic, normalisation, merge-block patches, and Qwen's chat tokens. */
import type { Size } from '../../grounding/box.ts';
import type { BoxConvention } from '../../grounding/convention.ts';
import type { Normalisation } from '../../image/normalise.ts';
import { patchify } from '../../image/patchify.ts';
import { resize } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import { smartResize } from '../../image/smart-resize.ts';
import type { Architecture } from '../architecture.ts';
import type { PixelInput } from '../model.ts';
import { Fields, type Json } from '../fields.ts';
import { eosTokens, type PictureSizes, type PixelLimits, type Processor, type ProcessorFiles } from '../processor.ts';

const IMAGE_PAD = '<|image_pad|>';
const END_OF_TURN = '<|im_end|>';

export interface QwenPictures {
  readonly patchSize: number;
  readonly spatialMergeSize: number;
  readonly temporalPatchSize: number;
  readonly imageTokenId: number;
  readonly convention: BoxConvention;
  /** Of the family; preprocessor_config.json goes before. */
  readonly normalisation: Normalisation;
  readonly limits: PixelLimits;
}

export const qwenPictures = (family: QwenPictures): Pick<Architecture, 'pictureSizes' | 'processor'> => ({
  pictureSizes: (preprocessor, limits) => qwenSizes(family, preprocessor, limits),
  processor: (files, limits) => qwenProcessor(family, files, limits),
});

function qwenSizes(
  { patchSize, spatialMergeSize, limits: fallback }: QwenPictures,
  preprocessor: Json,
  overrides: Partial<PixelLimits> = {},
): PictureSizes {
  const limits = { ...pixelLimits(new Fields(preprocessor, 'preprocessor_config.json'), fallback), ...overrides };
  const factor = patchSize * spatialMergeSize;
  return {
    limits,
    modelSize: (natural) => smartResize(natural, { factor, ...limits }),
    gridOf: (size) => ({ height: size.height / patchSize, width: size.width / patchSize }),
    markerTokens: () => 2,
  };
}

function qwenProcessor(
  family: QwenPictures,
  { preprocessor, generation, tokenizer, template }: ProcessorFiles,
  overrides: Partial<PixelLimits> = {},
): Processor {
  const { patchSize, spatialMergeSize: mergeSize, temporalPatchSize } = family;
  const file = new Fields(preprocessor, 'preprocessor_config.json');
  const sizes = qwenSizes(family, preprocessor, overrides);
  const layout = { patchSize, mergeSize, temporalPatchSize };
  const factor = patchSize * mergeSize;
  const normalisation: Normalisation = {
    mean: file.numbers('image_mean', family.normalisation.mean),
    std: file.numbers('image_std', family.normalisation.std),
    rescaleFactor: file.number('rescale_factor', 1 / 255),
  };
  const tokensOf = (size: Size) => (size.width / factor) * (size.height / factor);
  const { eosTokenIds, padTokenId } = eosTokens(generation, tokenizer, END_OF_TURN);
  return {
    tokenizer,
    template,
    convention: family.convention,
    endOfTurn: END_OF_TURN,
    eosTokenIds,
    padTokenId,
    ...sizes,
    patches: layout,
    pixels: (image: RgbImage): PixelInput => {
      const size = sizes.modelSize(image);
      const resized = size.width === image.width && size.height === image.height ? image : resize(image, size);
      const { values, rows, columns } = patchify(resized, layout, normalisation);
      return { pixels: values, grid: { height: rows, width: columns } };
    },
    placeholder: (shown) => ({
      token: IMAGE_PAD,
      expansion: (image) => new Array<number>(tokensOf(shown[image]!)).fill(family.imageTokenId),
    }),
  };
}

/** min_pixels / max_pixels, or transformers 5's size.{shortest,longest}_edge (areas, despite the name). */
function pixelLimits(file: Fields, fallback: PixelLimits): PixelLimits {
  const size = file.at('size');
  const pick = (key: string, edge: string, otherwise: number) =>
    file.number(key, size.number(key, size.number(edge, otherwise)));
  return {
    minPixels: pick('min_pixels', 'shortest_edge', fallback.minPixels),
    maxPixels: pick('max_pixels', 'longest_edge', fallback.maxPixels),
  };
}
