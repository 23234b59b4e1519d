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
import type { Fields } from '../fields.ts';
import { checkPictureFile, normalisationOf, resamplingOf } from '../picture-file.ts';
import { budgeted } from '../picture-budget.ts';
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
  pictureSizes: (preprocessor, limits) =>
    budgeted((budget) => qwenSizes(family, preprocessor, { ...limits, ...budget })),
  processor: (files, limits) => budgeted((budget) => qwenProcessor(family, files, { ...limits, ...budget })),
});

function qwenSizes(
  { patchSize, spatialMergeSize, limits: fallback }: QwenPictures,
  preprocessor: Fields,
  overrides: Partial<PixelLimits>,
): Omit<PictureSizes, 'under'> {
  const limits = { ...pixelLimits(preprocessor, fallback), ...overrides };
  const factor = patchSize * spatialMergeSize;
  return {
    limits,
    limitedBy: { by: 'area', factor },
    modelSize: (natural) => smartResize(natural, { factor, ...limits }),
    gridOf: (size) => ({ height: size.height / patchSize, width: size.width / patchSize }),
    markerTokens: () => 2,
  };
}

function qwenProcessor(
  family: QwenPictures,
  { preprocessor, generation, tokenizer, template }: ProcessorFiles,
  overrides: Partial<PixelLimits>,
): Omit<Processor, 'under'> {
  const { patchSize, spatialMergeSize: mergeSize, temporalPatchSize } = family;
  checkPictureFile(preprocessor);
  for (const [key, value] of [
    ['patch_size', patchSize],
    ['merge_size', mergeSize],
    ['temporal_patch_size', temporalPatchSize],
  ] as const)
    if (preprocessor.number(key, value) !== value) throw preprocessor.invalid(key, `${value}, as in config.json`);
  const resampling = resamplingOf(preprocessor, 'bicubic');
  const sizes = qwenSizes(family, preprocessor, overrides);
  const layout = { patchSize, mergeSize, temporalPatchSize };
  const factor = patchSize * mergeSize;
  const normalisation = normalisationOf(preprocessor, family.normalisation);
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
    normalisation,
    patches: layout,
    pixels: (image: RgbImage): PixelInput => {
      const size = sizes.modelSize(image);
      const resized =
        size.width === image.width && size.height === image.height ? image : resize(image, size, resampling);
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
  const limits = {
    minPixels: pick('min_pixels', 'shortest_edge', fallback.minPixels),
    maxPixels: pick('max_pixels', 'longest_edge', fallback.maxPixels),
  };
  if (limits.minPixels > limits.maxPixels)
    throw file.invalid('min_pixels', `no more than the largest number of pixels (${limits.maxPixels})`);
  return limits;
}
