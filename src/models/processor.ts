/** What turns pictures and conversations into a model's inputs; one per family, built from the checkpoint's own files. */
import type { Size } from '../grounding/box.ts';
import type { BoxConvention } from '../grounding/convention.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import type { ChatTemplate } from '../text/chat-template.ts';
import type { ImagePlaceholder } from '../text/prompt-segments.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { PixelInput } from './model.ts';

export interface PixelLimits {
  readonly minPixels: number;
  readonly maxPixels: number;
}

export interface Processor {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly convention: BoxConvention;
  /** Text of the token that ends an assistant's turn. */
  readonly endOfTurn: string;
  /** Ids that end generation. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number;
  readonly limits: PixelLimits;
  /** Size at which the model sees a picture of this size. Throws `image-shape`. */
  modelSize(natural: Size): Size;
  /** Resizes, normalises and cuts a picture into patches. */
  pixels(image: RgbImage): PixelInput;
  gridOf(modelSize: Size): PixelInput['grid'];
  placeholder(sizes: readonly Size[]): ImagePlaceholder;
}
