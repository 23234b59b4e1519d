/** Qwen2-VL's vision tower (arXiv 2409.12191): every block sees the whole picture; a merger makes one token of 2 × 2 patches. */
import { gelu } from '../../ops/gelu.ts';
import type { VisionArchitecture } from '../architecture.ts';
import type { Fields } from '../fields.ts';
import { layerNormEntries, linearEntries, range } from '../manifest.ts';
import { batchInputs, paddedPatches } from '../vision/patches.ts';
import {
  batchOf,
  blockEntries,
  patchEmbedEntries,
  pictureArrays,
  pictureShapes,
  recordBlock,
  TowerRecorder,
  VISION,
  type BlockShape,
  type PatchShape,
} from '../qwen/vision-blocks.ts';
import { parseHeads, parsePatches } from '../qwen/vision-sizes.ts';

export interface Qwen2VisionShape extends BlockShape, PatchShape {
  readonly depth: number;
  readonly outHiddenSize: number;
}

/** vision_config: `hidden_size` is the width of what comes out, `embed_dim` that of the tower. */
export function parseVision(vision: Fields, textHiddenSize: number): Qwen2VisionShape {
  const hiddenSize = vision.size('embed_dim', undefined, 4);
  const intermediateSize = Math.floor(hiddenSize * vision.number('mlp_ratio', 4));
  if (intermediateSize % 4 !== 0 || intermediateSize > 2 ** 24)
    throw vision.invalid('mlp_ratio', 'such that the inner width is a multiple of 4');
  const outHiddenSize = vision.size('hidden_size');
  if (outHiddenSize !== textHiddenSize)
    throw vision.invalid('hidden_size', `the text's hidden size (${textHiddenSize})`);
  vision.only('hidden_act', 'quick_gelu');
  return {
    depth: vision.layers('depth'),
    hiddenSize,
    heads: parseHeads(vision, hiddenSize),
    intermediateSize,
    outHiddenSize,
    ...parsePatches(vision, 14),
    activation: 'quick',
    fc1: 'fc1',
    fc2: 'fc2',
  };
}

export function vision(shape: Qwen2VisionShape): VisionArchitecture {
  const unit = shape.spatialMergeSize ** 2;
  const wide = shape.hiddenSize * unit;
  return {
    entries: [
      ...patchEmbedEntries(shape, false),
      ...range(shape.depth).flatMap((i) => blockEntries(shape, i)),
      ...layerNormEntries('vision', `${VISION}.merger.ln_q`, shape.hiddenSize),
      ...linearEntries('vision', `${VISION}.merger.mlp.0`, wide, wide, true),
      ...linearEntries('vision', `${VISION}.merger.mlp.2`, shape.outHiddenSize, wide, true),
    ],
    featureColumns: shape.outHiddenSize,
    deepstackLayers: 0,
    featureCount: ({ height, width }) => (height * width) / unit,
    patchesInPass: (grid) => paddedPatches(grid, unit),
    batch: (images) => batchOf(pictureArrays(images, shape), shape.spatialMergeSize),
    record: (tape, weights, batch, lora) => {
      const { patches } = batch;
      const inputs = batchInputs(tape.rec, batch, pictureShapes(batch));
      const tower = new TowerRecorder(tape, weights, lora);
      let x = tower.linear('patch_embed.proj', inputs.pixels);
      for (const i of range(shape.depth)) x = recordBlock(tower, x, i, shape, inputs);
      const merged = tower.norm('merger.ln_q', x).reshape(patches / unit, wide);
      const features = tower.linear('merger.mlp.2', gelu(tape, tower.linear('merger.mlp.0', merged)));
      return { inputs, features };
    },
  };
}
