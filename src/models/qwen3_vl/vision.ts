/**
 * Qwen3-VL's vision tower (arXiv 2511.21631): a learnt table of positions interpolated to the picture's grid besides
 * the rotary one, and DeepStack (arXiv 2406.04334): what some blocks give is merged like the last one's and added to the
 * first decoder layers' image tokens. A feature row is [last | level 0 | level 1 | …].
 */
import type { Tensor } from '../../gpu/tensor.ts';
import { concatColumns } from '../../ops/concat.ts';
import { gelu } from '../../ops/gelu.ts';
import { interpolateRows } from '../../ops/interpolate.ts';
import type { VisionArchitecture } from '../architecture.ts';
import type { Fields } from '../fields.ts';
import { layerNormEntries, linearEntries, range, type TensorEntry } from '../manifest.ts';
import type { PixelInput } from '../model.ts';
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
  type PictureArrays,
} from '../qwen/vision-blocks.ts';
import { parseHeads, parsePatches } from '../qwen/vision-sizes.ts';

export interface Qwen3VisionShape extends BlockShape, PatchShape {
  readonly depth: number;
  readonly outHiddenSize: number;
  /** Side of the square table of positions. */
  readonly positionSide: number;
  /** Blocks after which a DeepStack level is taken. */
  readonly deepstackBlocks: readonly number[];
}

/** @throws GroundworkError `config-invalid` */
export function parseVision(vision: Fields, textHiddenSize: number): Qwen3VisionShape {
  vision.only('hidden_act', 'gelu_pytorch_tanh');
  const outHiddenSize = vision.size('out_hidden_size', textHiddenSize);
  if (outHiddenSize !== textHiddenSize)
    throw vision.invalid('out_hidden_size', `the text's hidden size (${textHiddenSize})`);
  const positionSide = Math.sqrt(vision.size('num_position_embeddings', 2304));
  if (!Number.isInteger(positionSide)) throw vision.invalid('num_position_embeddings', 'a square number');
  const depth = vision.layers('depth');
  const deepstackBlocks = vision.numbers('deepstack_visual_indexes', [8, 16, 24]);
  const blocks = new Set(deepstackBlocks);
  if (![...blocks].every((i) => Number.isInteger(i) && i >= 0 && i < depth) || blocks.size < deepstackBlocks.length)
    throw vision.invalid('deepstack_visual_indexes', `different blocks from 0 to ${depth - 1}`);
  const hiddenSize = vision.size('hidden_size', undefined, 4);
  return {
    depth,
    hiddenSize,
    heads: parseHeads(vision, hiddenSize),
    intermediateSize: vision.size('intermediate_size', undefined, 4),
    outHiddenSize,
    ...parsePatches(vision, 16),
    positionSide,
    deepstackBlocks,
    activation: 'tanh',
    fc1: 'linear_fc1',
    fc2: 'linear_fc2',
  };
}

function mergerEntries(module: string, shape: Qwen3VisionShape, normSize: number): TensorEntry[] {
  const wide = shape.hiddenSize * shape.spatialMergeSize ** 2;
  return [
    ...layerNormEntries('vision', `${module}.norm`, normSize),
    ...linearEntries('vision', `${module}.linear_fc1`, wide, wide, true),
    ...linearEntries('vision', `${module}.linear_fc2`, shape.outHiddenSize, wide, true),
  ];
}

export function vision(shape: Qwen3VisionShape): VisionArchitecture {
  const { hiddenSize, deepstackBlocks } = shape;
  const unit = shape.spatialMergeSize ** 2;
  const wide = hiddenSize * unit;
  return {
    entries: [
      ...patchEmbedEntries(shape, true),
      {
        name: `${VISION}.pos_embed.weight`,
        shape: [shape.positionSide ** 2, hiddenSize],
        role: 'table',
        tower: 'vision',
      },
      ...range(shape.depth).flatMap((i) => blockEntries(shape, i)),
      ...mergerEntries(`${VISION}.merger`, shape, hiddenSize),
      ...deepstackBlocks.flatMap((_, i) => mergerEntries(`${VISION}.deepstack_merger_list.${i}`, shape, wide)),
    ],
    featureColumns: shape.outHiddenSize * (1 + deepstackBlocks.length),
    deepstackLayers: deepstackBlocks.length,
    featureCount: ({ height, width }) => (height * width) / unit,
    patchesInPass: (grid) => paddedPatches(grid, unit),
    batch: (images) => {
      const arrays = pictureArrays(images, shape);
      return batchOf(arrays, shape.spatialMergeSize, corners(images, shape, arrays));
    },
    record: (tape, weights, batch, lora) => {
      const { patches } = batch;
      const inputs = batchInputs(tape.rec, batch, {
        ...pictureShapes(batch),
        corners: [patches, 4],
        shares: [patches, 4],
      });
      const tower = new TowerRecorder(tape, weights, lora);
      const places = interpolateRows(tape, tower.tensor('pos_embed.weight'), inputs.corners, inputs.shares);
      let x = tower.linear('patch_embed.proj', inputs.pixels, places);
      const merge = (name: string, normed: Tensor) =>
        tower.linear(`${name}.linear_fc2`, gelu(tape, tower.linear(`${name}.linear_fc1`, normed)));
      // In the order of the blocks, whatever the order of the list, which only says whose merger is whose.
      const levels: Tensor[] = [];
      for (const i of range(shape.depth)) {
        x = recordBlock(tower, x, i, shape, inputs);
        const level = deepstackBlocks.indexOf(i);
        if (level < 0) continue;
        // A level is normalised after its patches were put side by side, the last one before.
        const name = `deepstack_merger_list.${level}`;
        levels.push(merge(name, tower.norm(`${name}.norm`, x.reshape(patches / unit, wide))));
      }
      const last = merge('merger', tower.norm('merger.norm', x).reshape(patches / unit, wide));
      return { inputs, features: concatColumns(tape, [last, ...levels]) };
    },
  };
}

/** Rows of the position table around each patch, and their shares in it, [patches, 4] each. */
export function corners(
  images: readonly PixelInput[],
  { positionSide: side, spatialMergeSize: merge }: Pick<Qwen3VisionShape, 'positionSide' | 'spatialMergeSize'>,
  { patches, bases }: Pick<PictureArrays, 'patches' | 'bases'>,
): { readonly corners: Uint32Array<ArrayBuffer>; readonly shares: Float32Array<ArrayBuffer> } {
  const rows = new Uint32Array(4 * patches);
  const shares = new Float32Array(4 * patches);
  images.forEach(({ grid }, i) => {
    let patch = bases[i]!;
    const [down, across] = [spread(grid.height, side), spread(grid.width, side)];
    for (let top = 0; top < grid.height; top += merge)
      for (let left = 0; left < grid.width; left += merge)
        for (let row = top; row < top + merge; row++)
          for (let column = left; column < left + merge; column++, patch++) {
            const [y, x] = [down[row]!, across[column]!];
            rows.set(
              [y.low * side + x.low, y.low * side + x.high, y.high * side + x.low, y.high * side + x.high],
              4 * patch,
            );
            shares.set(
              [(1 - y.part) * (1 - x.part), (1 - y.part) * x.part, y.part * (1 - x.part), y.part * x.part],
              4 * patch,
            );
          }
  });
  return { corners: rows, shares };
}

/** Place i of n along a table of `side` entries, corners on corners: whole part, the next entry, and the rest, in f32. */
function spread(n: number, side: number): { low: number; high: number; part: number }[] {
  return range(n).map((i) => {
    const at = Math.fround((i * (side - 1)) / Math.max(1, n - 1));
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, side - 1), part: Math.fround(at - low) };
  });
}
