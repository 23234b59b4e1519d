/** Qwen2.5-VL (arXiv 2502.13923). */
import { canonicalName } from '../../formats/peft-names.ts';
import { CONVENTIONS } from '../../grounding/convention.ts';
import { CLIP_NORMALISATION } from '../../image/normalise.ts';
import type { ParseArchitecture } from '../architecture.ts';
import { notesOnConfig } from '../config-keys.ts';
import { Fields } from '../fields.ts';
import { qwen25Gguf } from './gguf.ts';
import { mropeScheme } from '../qwen/positions.ts';
import { qwenPictures } from '../qwen/processor.ts';
import { suppressedTokens } from '../qwen/text.ts';
import { parseQwen25VLConfig } from './config.ts';
import { vision } from './vision.ts';

export const qwen25VL: ParseArchitecture = (json) => {
  const config = new Fields(json);
  const { text, vision: shape } = parseQwen25VLConfig(config);
  return {
    notes: notesOnConfig(json, config.asked),
    modelType: 'qwen2_5_vl',
    decoder: text.decoder,
    vision: vision(shape),
    positions: mropeScheme(text, shape.spatialMergeSize, 'sections'),
    contextTokens: text.maxPositions,
    suppressedTokens: suppressedTokens(text),
    gguf: qwen25Gguf(text, shape),
    canonicalName,
    ...qwenPictures({
      ...shape,
      imageTokenId: text.imageTokenId,
      convention: CONVENTIONS.qwen2_5_vl,
      normalisation: CLIP_NORMALISATION,
      limits: { minPixels: 56 * 56, maxPixels: 28 * 28 * 1280 },
    }),
  };
};
