/** SmolVLM's and Idefics3's processor: Lanczos, tiles, and the markers around them. */
import type { Size } from '../../grounding/box.ts';
import { CONVENTIONS } from '../../grounding/convention.ts';
import { patchify } from '../../image/patchify.ts';
import { resize } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import type { Fields } from '../fields.ts';
import { checkPictureFile, normalisationOf, resamplingOf } from '../picture-file.ts';
import type { PixelInput } from '../model.ts';
import { eosTokens, type PictureSizes, type PixelLimits, type Processor, type ProcessorFiles } from '../processor.ts';
import { planTiles, tileCount, type TileSettings } from './tiles.ts';

export interface SmolVLMPictures {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly scaleFactor: number;
}

const IMAGE = '<image>';
const AROUND = '<fake_token_around_image>';
const GLOBAL = '<global-img>';
const END_OF_TURN = '<end_of_utterance>';

function tileSettings(imageSize: number, file: Fields, overrides: Partial<PixelLimits>): TileSettings {
  const tile = file.at('max_image_size').number('longest_edge', imageSize);
  // The tower is built for one tile: positions are read from a table of that size.
  if (tile !== imageSize) throw file.at('max_image_size').invalid('longest_edge', `${imageSize}, the tower’s size`);
  return {
    tile,
    longestEdge: overrides.longestEdge ?? longestEdge(file, 4 * tile),
    splitting: overrides.imageSplitting ?? file.flag('do_image_splitting', true),
  };
}

/** A picture of many tiles is thousands of tokens; more than this is a damaged file. */
const LONGEST_EDGE = 16_384;

function longestEdge(file: Fields, fallback: number): number {
  const edge = file.at('size').size('longest_edge', fallback);
  if (edge > LONGEST_EDGE) throw file.at('size').invalid('longest_edge', `no more than ${LONGEST_EDGE}`);
  return edge;
}

export function smolVLMSizes(
  { imageSize, patchSize }: Pick<SmolVLMPictures, 'imageSize' | 'patchSize'>,
  preprocessor: Fields,
  overrides: Partial<PixelLimits>,
): Omit<PictureSizes, 'under'> {
  const settings = tileSettings(imageSize, preprocessor, overrides);
  const { tile } = settings;
  const patches = Math.floor(tile / patchSize);
  return {
    limits: {
      minPixels: tile * tile,
      maxPixels: settings.longestEdge ** 2,
      longestEdge: settings.longestEdge,
      imageSplitting: settings.splitting,
    },
    limitedBy: { by: 'tiles', tile },
    modelSize: (natural) => planTiles(natural, settings).cut,
    gridOf: (size) => {
      const { rows, columns } = tileCount(size, tile);
      return { height: (rows * columns + 1) * patches, width: patches };
    },
    // Two before each tile, a line break after each row, and three around the whole (`markers` below).
    markerTokens: (size) => {
      const { rows, columns } = tileCount(size, tile);
      return rows * (2 * columns + 1) + 3;
    },
  };
}

export function smolVLMProcessor(
  family: SmolVLMPictures,
  { preprocessor, generation, tokenizer, template }: ProcessorFiles,
  overrides: Partial<PixelLimits>,
): Omit<Processor, 'under'> {
  const { imageSize, patchSize, scaleFactor } = family;
  checkPictureFile(preprocessor);
  // Tiles are whole: there is nothing to pad.
  preprocessor.only('do_pad', true, false);
  const settings = tileSettings(imageSize, preprocessor, overrides);
  const { tile } = settings;
  const normalisation = normalisationOf(preprocessor, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
  const resampling = resamplingOf(preprocessor, 'lanczos');
  const patches = Math.floor(tile / patchSize);
  const tokensPerTile = (patches / scaleFactor) ** 2;
  const layout = { patchSize, mergeSize: scaleFactor, temporalPatchSize: 1 };

  const pixels = (image: RgbImage): PixelInput => {
    const { first, cut, rows, columns } = planTiles(image, settings);
    const whole = resize(resize(image, first, resampling), cut, resampling);
    const tiles =
      rows === 0 ? [whole] : [...cutTiles(whole, tile), resize(whole, { width: tile, height: tile }, resampling)];
    const parts = tiles.map((t) => patchify(t, layout, normalisation).values);
    const all = new Float32Array(parts.reduce((sum, p) => sum + p.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return { pixels: all, grid: { height: (rows * columns + 1) * patches, width: patches } };
  };

  const markers = (size: Size): readonly number[] => {
    const { rows, columns } = tileCount(size, tile);
    const features = IMAGE.repeat(tokensPerTile);
    let text = '';
    for (let r = 1; r <= rows; r++) {
      for (let c = 1; c <= columns; c++) text += `${AROUND}<row_${r}_col_${c}>${features}`;
      text += '\n';
    }
    // Encoded as one text: two line breaks in a row are one token.
    return [...tokenizer.encode(`${rows ? `${text}\n` : ''}${AROUND}${GLOBAL}${features}${AROUND}`)];
  };

  return {
    tokenizer,
    template,
    convention: CONVENTIONS.smolvlm,
    endOfTurn: END_OF_TURN,
    ...eosTokens(generation, tokenizer, END_OF_TURN),
    ...smolVLMSizes(family, preprocessor, overrides),
    normalisation,
    patches: layout,
    pixels,
    placeholder: (sizes) => ({ token: IMAGE, expansion: (image) => markers(sizes[image]!) }),
  };
}

function* cutTiles({ data, width, height }: RgbImage, tile: number): Generator<RgbImage> {
  for (let top = 0; top < height; top += tile)
    for (let left = 0; left < width; left += tile) {
      const part = new Uint8Array(tile * tile * 3);
      for (let y = 0; y < tile; y++) {
        const from = ((top + y) * width + left) * 3;
        part.set(data.subarray(from, from + tile * 3), y * tile * 3);
      }
      yield { data: part, width: tile, height: tile };
    }
}
