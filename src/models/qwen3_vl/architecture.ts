/** Qwen3-VL, dense (arXiv 2511.21631). */
import { CONVENTIONS } from '../../grounding/convention.ts';
import type { ParseArchitecture } from '../architecture.ts';
import { notesOnConfig } from '../config-keys.ts';
import { Fields } from '../fields.ts';
import { qwen3Gguf } from './gguf.ts';
import { mropeScheme } from '../qwen/positions.ts';
import { qwenPictures } from '../qwen/processor.ts';
import { parseQwenText, suppressedTokens } from '../qwen/text.ts';
import { parseVision, vision } from './vision.ts';

const HALF = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** @throws GroundworkError `config-invalid`, naming the field */
export const qwen3VL: ParseArchitecture = (json) => {
  const config = new Fields(json);
  const text = parseQwenText(config, {
    qkvBias: null,
    qkNorm: true,
    headApart: true,
    interleaved: true,
    ropeTheta: 5e5,
    maxPositions: 128_000,
    normEps: 1e-6,
    tiedInText: false,
  });
  const shape = parseVision(config.at('vision_config'), text.decoder.shape.hiddenSize);
  return {
    notes: notesOnConfig(json, config.asked),
    modelType: 'qwen3_vl',
    decoder: text.decoder,
    vision: vision(shape),
    positions: mropeScheme(text, shape.spatialMergeSize, 'interleaved'),
    contextTokens: text.maxPositions,
    suppressedTokens: suppressedTokens(text),
    gguf: qwen3Gguf(text, shape),
    canonicalName: (key) => key,
    ...qwenPictures({
      ...shape,
      imageTokenId: text.imageTokenId,
      convention: CONVENTIONS.qwen3_vl,
      normalisation: HALF,
      limits: { minPixels: 65_536, maxPixels: 16_777_216 },
    }),
  };
};
