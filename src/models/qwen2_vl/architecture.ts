/** Qwen2-VL (arXiv 2409.12191). */
import { canonicalName } from '../../formats/peft-names.ts';
import { CONVENTIONS } from '../../grounding/convention.ts';
import { CLIP_NORMALISATION } from '../../image/normalise.ts';
import type { ParseArchitecture } from '../architecture.ts';
import { notesOnConfig } from '../config-keys.ts';
import { Fields } from '../fields.ts';
import { qwen2Gguf } from './gguf.ts';
import { mropeScheme } from '../qwen/positions.ts';
import { qwenPictures } from '../qwen/processor.ts';
import { parseQwenText, suppressedTokens } from '../qwen/text.ts';
import { parseVision, vision } from './vision.ts';

/** @throws GroundworkError `config-invalid`, naming the field */
export const qwen2VL: ParseArchitecture = (json) => {
  const config = new Fields(json);
  const text = parseQwenText(config, {
    qkvBias: true,
    qkNorm: false,
    headApart: false,
    interleaved: false,
    ropeTheta: 1e6,
    maxPositions: 32_768,
    normEps: 1e-5,
    tiedInText: true,
  });
  const shape = parseVision(config.at('vision_config'), text.decoder.shape.hiddenSize);
  return {
    notes: notesOnConfig(json, config.asked),
    modelType: 'qwen2_vl',
    decoder: text.decoder,
    vision: vision(shape),
    positions: mropeScheme(text, shape.spatialMergeSize, 'sections'),
    contextTokens: text.maxPositions,
    suppressedTokens: suppressedTokens(text),
    gguf: qwen2Gguf(text, shape),
    canonicalName,
    ...qwenPictures({
      ...shape,
      imageTokenId: text.imageTokenId,
      convention: CONVENTIONS.qwen2_vl,
      normalisation: CLIP_NORMALISATION,
      limits: { minPixels: 56 * 56, maxPixels: 28 * 28 * 1280 },
    }),
  };
};
