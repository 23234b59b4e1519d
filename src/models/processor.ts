/** What turns pictures and conversations into a model's inputs; one per family, built from the checkpoint's own files. */
import type { Size } from '../grounding/box.ts';
import type { BoxConvention } from '../grounding/convention.ts';
import type { Normalisation } from '../image/normalise.ts';
import type { PatchLayout } from '../image/patchify.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import type { ChatTemplate } from '../text/chat-template.ts';
import type { ImagePlaceholder } from '../text/prompt-segments.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { Fields, type Json } from './fields.ts';
import type { PixelInput } from './model.ts';
import type { LimitedBy, PictureBudget } from './picture-budget.ts';

export interface PixelLimits {
  readonly minPixels: number;
  readonly maxPixels: number;
  /** SmolVLM: large pictures as several tiles and a small whole. */
  readonly imageSplitting?: boolean;
  /** SmolVLM: what the longest edge is resized to before tiles are cut. */
  readonly longestEdge?: number;
}

/** How a family sees pictures of given sizes: what of a processor needs no tokenizer. */
export interface PictureSizes {
  readonly limits: PixelLimits;
  readonly limitedBy: LimitedBy;
  /** The same under another budget than the checkpoint's, which null is. Throws `budget-unsupported`. */
  under(budget: PictureBudget | null): PictureSizes;
  /** Size at which the model sees a picture of this size. Throws `image-shape`. */
  modelSize(natural: Size): Size;
  gridOf(modelSize: Size): PixelInput['grid'];
  /** Tokens written around a picture's features. */
  markerTokens(modelSize: Size): number;
}

export interface Processor extends PictureSizes {
  under(budget: PictureBudget | null): Processor;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly convention: BoxConvention;
  /** Text of the token that ends an assistant's turn. */
  readonly endOfTurn: string;
  /** Ids that end generation. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number;
  /** What `pixels` does to colours. */
  readonly normalisation: Normalisation;
  /** How `pixels` orders what it cuts. */
  readonly patches: PatchLayout;
  /** Resizes, normalises and cuts a picture into patches. */
  pixels(image: RgbImage): PixelInput;
  placeholder(sizes: readonly Size[]): ImagePlaceholder;
}

/** What a checkpoint's folder says about text and pictures, besides the weights. */
export interface ProcessorFiles {
  /** What the folder says of pictures (picture-file.ts). */
  readonly preprocessor: Fields;
  /** generation_config.json; empty where there is none. */
  readonly generation: Json;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

/** Ids that end generation and that pad, from generation_config.json or the family's end of turn. */
export function eosTokens(
  generation: Json,
  tokenizer: Tokenizer,
  endOfTurn: string,
): Pick<Processor, 'eosTokenIds' | 'padTokenId'> {
  const file = new Fields(generation, 'generation_config.json');
  const eos = file.raw('eos_token_id');
  const eosTokenIds = Array.isArray(eos)
    ? file.numbers('eos_token_id')
    : [typeof eos === 'number' ? eos : tokenizer.requireId(endOfTurn)];
  return { eosTokenIds, padTokenId: file.tokenId('pad_token_id', eosTokenIds[0]!) };
}
