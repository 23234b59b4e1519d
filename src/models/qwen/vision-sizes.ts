/** What vision_config says of sizes in every Qwen family, held against what is computed here. */
import { headSize } from '../decoder-shape.ts';
import type { Fields } from '../fields.ts';

export interface QwenPatches {
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
  readonly inChannels: number;
}

/** Largest side of a patch, in pixels; largest number of patches along a side of a token. */
const [LARGEST_PATCH, LARGEST_MERGE] = [256, 16];

/** @throws GroundworkError `config-invalid` */
export function parsePatches(vision: Fields, patchSize: number): QwenPatches {
  const patches: QwenPatches = {
    patchSize: vision.size('patch_size', patchSize),
    temporalPatchSize: vision.size('temporal_patch_size', 2),
    spatialMergeSize: vision.size('spatial_merge_size', 2),
    // Old files say in_chans; pictures have three channels either way.
    inChannels: vision.only('in_channels', 3),
  };
  const { patchSize: side, temporalPatchSize: frames, spatialMergeSize: merge } = patches;
  if (side > LARGEST_PATCH) throw vision.invalid('patch_size', `no more than ${LARGEST_PATCH}`);
  if (merge > LARGEST_MERGE) throw vision.invalid('spatial_merge_size', `no more than ${LARGEST_MERGE}`);
  if (frames > LARGEST_MERGE) throw vision.invalid('temporal_patch_size', `no more than ${LARGEST_MERGE}`);
  if ((3 * frames * side * side) % 4 !== 0)
    throw vision.invalid('patch_size', 'such that a patch has a multiple of 4 values');
  vision.only('in_chans', 3);
  const rope = vision.at('rope_parameters');
  rope.only('rope_type', 'axial', 'default');
  rope.only('rope_theta', 10_000);
  return patches;
}

/** Heads of a tower of this width. @throws GroundworkError `config-invalid` where a head has no size that is computed */
export function parseHeads(vision: Fields, hiddenSize: number): number {
  const heads = vision.size('num_heads');
  headSize(vision, 'num_heads', hiddenSize / heads);
  return heads;
}
