/** Conversations and pictures through a family's processor: the only way in from the layers above. */
import { GroundworkError } from '../base/error.ts';
import type { Size } from '../grounding/box.ts';
import { changePixels, type PictureChange } from '../image/change.ts';
import { decodeImage } from '../image/decode.ts';
import type { ChatMessage } from '../text/chat-template.ts';
import {
  encodePrompt,
  encodeSample,
  type EncodedPrompt,
  type EncodedSample,
  type Encoding,
} from '../text/prompt-segments.ts';
import type { PixelInput } from './model.ts';
import type { Processor } from './processor.ts';

export interface EncodedConversation {
  /** The template's text, placeholders not expanded. */
  readonly text: string;
  readonly tokens: Uint32Array;
  /** Completion and end of turn; empty without one. */
  readonly completion: Uint32Array;
  /** Patch grids in the order the prompt shows the pictures. */
  readonly grids: readonly PixelInput['grid'][];
  /** i32 [tokens]: running number of the feature at image tokens, else −1. */
  readonly featureIndex: Int32Array;
  readonly featureRows: number;
  /** u8 [tokens]: 1 where an earlier answer is learnt. */
  readonly learnt: Uint8Array;
  /** Earlier answers that cannot be learnt. */
  readonly unlearnt: number;
}

/** @throws GroundworkError `row-encoding`, named by `id` */
export function encodeConversation(
  processor: Processor,
  id: string,
  messages: readonly ChatMessage[],
  completion: string | null,
  sizes: readonly Size[],
): EncodedConversation {
  const { tokenizer, template, endOfTurn } = processor;
  const placeholder = processor.placeholder(sizes);
  const encoded: Encoding<EncodedPrompt & Partial<Pick<EncodedSample, 'promptLength' | 'inLoss' | 'unlearnt'>>> =
    completion === null
      ? encodePrompt(tokenizer, template, messages.map(inParts), placeholder)
      : encodeSample(tokenizer, template, messages.map(inParts), completion, placeholder, endOfTurn);
  if (!encoded.ok)
    throw new GroundworkError('row-encoding', `Row ${id}: ${encoded.reason}`, 'Correct the row or leave it out.');
  const length = encoded.promptLength ?? encoded.ids.length;
  const featureIndex = new Int32Array(length).fill(-1);
  let features = 0;
  // Some families write more than features for a picture: markers of its tiles.
  const mark = tokenizer.requireId(placeholder.token);
  for (const { start, length: count } of encoded.images)
    for (let t = start; t < start + count; t++) if (encoded.ids[t] === mark) featureIndex[t] = features++;
  return {
    text: encoded.text,
    tokens: Uint32Array.from(encoded.ids.subarray(0, length)),
    completion: Uint32Array.from(encoded.ids.subarray(length)),
    grids: encoded.images.map(({ image }) => processor.gridOf(sizes[image]!)),
    featureIndex,
    featureRows: features,
    learnt: encoded.inLoss?.subarray(0, length) ?? new Uint8Array(length),
    unlearnt: encoded.unlearnt ?? 0,
  };
}

/** SmolVLM's template leaves out contents that are plain strings; the others render both alike. */
const inParts = ({ role, content }: ChatMessage): ChatMessage => ({
  role,
  content: typeof content === 'string' ? [{ type: 'text', text: content }] : content,
});

/** A picture file, decoded, changed if it is to be, resized and cut into patches. Throws `image-unreadable`, `image-shape`. */
export async function readPixels(processor: Processor, file: Blob, change?: PictureChange): Promise<PixelInput> {
  const image = await decodeImage(file);
  return processor.pixels(change ? changePixels(image, change) : image);
}
