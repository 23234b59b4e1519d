/**
 * Qwen2.5-VL's vision tower (arXiv 2502.13923): patches in window order, blocks that attend inside windows or over the
 * whole picture, and a merger that makes one token of each 2 × 2 patches.
 */
import type { Tensor } from '../../gpu/tensor.ts';
import { gatherRows } from '../../ops/gather.ts';
import { gelu } from '../../ops/gelu.ts';
import { rmsNorm } from '../../ops/rms-norm.ts';
import { swiglu } from '../../ops/swiglu.ts';
import type { Tape } from '../../ops/tape.ts';
import type { VisionArchitecture } from '../architecture.ts';
import { linearEntries, range, vectorEntry, type TensorEntry } from '../manifest.ts';
import type { LoraLookup, PixelInput, VisionBatch } from '../model.ts';
import { batchInputs, BlockRanges, paddedPatches, pixelsOfPass, placePictures } from '../vision/patches.ts';
import { visionTable, type Grid } from '../qwen/positions.ts';
import { patchWidthOf, selfAttention, TowerRecorder, VISION } from '../qwen/vision-blocks.ts';
import type { ModelWeights } from '../weights.ts';
import type { VisionShape } from './config.ts';

const NORM_EPS = 1e-6;

export const vision = (shape: VisionShape): VisionArchitecture => ({
  entries: visionEntries(shape),
  featureColumns: shape.outHiddenSize,
  deepstackLayers: 0,
  featureCount: ({ height, width }) => (height * width) / shape.spatialMergeSize ** 2,
  patchesInPass: (grid) => paddedPatches(grid, shape.spatialMergeSize ** 2),
  batch: (images) => visionBatch(images, shape),
  record: (tape, weights, batch, lora) => recordVision(tape, shape, weights, batch, lora),
});

function visionEntries(shape: VisionShape): TensorEntry[] {
  const { hiddenSize: h, intermediateSize: f, spatialMergeSize: merge } = shape;
  const linear = (module: string, out: number, inn: number) => linearEntries('vision', module, out, inn, true);
  const vector = (name: string, size: number) => vectorEntry('vision', name, size);
  const wide = h * merge ** 2;
  return [
    {
      name: `${VISION}.patch_embed.proj.weight`,
      shape: [h, shape.inChannels, shape.temporalPatchSize, shape.patchSize, shape.patchSize],
      role: 'kernel',
      tower: 'vision',
    },
    ...range(shape.depth).flatMap((i) => {
      const block = `${VISION}.blocks.${i}`;
      return [
        vector(`${block}.norm1.weight`, h),
        vector(`${block}.norm2.weight`, h),
        ...linear(`${block}.attn.qkv`, 3 * h, h),
        ...linear(`${block}.attn.proj`, h, h),
        ...linear(`${block}.mlp.gate_proj`, f, h),
        ...linear(`${block}.mlp.up_proj`, f, h),
        ...linear(`${block}.mlp.down_proj`, h, f),
      ];
    }),
    vector(`${VISION}.merger.ln_q.weight`, h),
    ...linear(`${VISION}.merger.mlp.0`, wide, wide),
    ...linear(`${VISION}.merger.mlp.2`, shape.outHiddenSize, wide),
  ];
}

/** Several pictures as one sequence of patches: pixels, rotary table and windows in window order, and the way back. */
export function visionBatch(images: readonly PixelInput[], shape: VisionShape): VisionBatch {
  const merge = shape.spatialMergeSize;
  const unit = merge * merge;
  const headDim = shape.hiddenSize / shape.heads;
  const { patches, bases } = placePictures(images, unit);
  const width = patchWidthOf(shape);
  const pixels = pixelsOfPass(images, patches, width);
  const table = new Float32Array(patches * headDim);
  const windows = new BlockRanges(patches);
  const full = new BlockRanges(patches);
  const restore = new Int32Array(patches / unit).fill(-1);
  images.forEach(({ pixels: source, grid }, i) => {
    const base = bases[i]!;
    const { order, bounds } = windowOrder(grid, shape);
    const angles = visionTable(grid, headDim, merge);
    order.forEach((from, to) => {
      if (source.length)
        pixels.set(source.subarray(from * unit * width, (from + 1) * unit * width), (base + to * unit) * width);
      table.set(angles.subarray(from * unit * headDim, (from + 1) * unit * headDim), (base + to * unit) * headDim);
      restore[base / unit + from] = base / unit + to;
    });
    for (let w = 0; w + 1 < bounds.length; w++) windows.add(base + bounds[w]!, base + bounds[w + 1]!);
    full.add(base, base + grid.height * grid.width);
  });
  const positions = Uint32Array.from({ length: patches }, (_, i) => i);
  return {
    key: `patches ${patches}`,
    patches,
    patchWidth: width,
    featureRows: patches / unit,
    featureStarts: bases.map((base) => base / unit),
    arrays: {
      pixels,
      table,
      positions,
      windows: windows.ranges,
      windowKeys: windows.keys,
      full: full.ranges,
      fullKeys: full.keys,
      restore,
    },
  };
}

export interface WindowOrder {
  /** Merged units in window order: order[i] is the raster index of the i-th unit. */
  readonly order: Int32Array;
  /** Patch index where each window starts, and the total at the end, in window order. */
  readonly bounds: readonly number[];
}

/** Cuts the merged grid into windows of `windowSize` pixels; edge windows are smaller, none is empty. */
export function windowOrder(grid: Grid, shape: VisionShape): WindowOrder {
  const merge = shape.spatialMergeSize;
  const [rows, columns] = [grid.height / merge, grid.width / merge];
  const side = Math.floor(shape.windowSize / merge / shape.patchSize);
  const order: number[] = [];
  const bounds = [0];
  for (let top = 0; top < rows; top += side)
    for (let left = 0; left < columns; left += side) {
      for (let row = top; row < Math.min(rows, top + side); row++)
        for (let column = left; column < Math.min(columns, left + side); column++) order.push(row * columns + column);
      bounds.push(order.length * merge * merge);
    }
  return { order: Int32Array.from(order), bounds };
}

/** features [patches / merge², out hidden] in raster order. */
function recordVision(
  tape: Tape,
  shape: VisionShape,
  weights: ModelWeights,
  batch: VisionBatch,
  lora?: LoraLookup,
): { inputs: Record<string, Tensor>; features: Tensor } {
  const { heads, hiddenSize } = shape;
  const headDim = hiddenSize / heads;
  const { patches } = batch;
  const inputs = batchInputs(tape.rec, batch, {
    pixels: [patches, batch.patchWidth],
    table: [patches, headDim / 2, 2],
    positions: [patches],
    windows: [patches, 4],
    windowKeys: [patches, 2],
    full: [patches, 4],
    fullKeys: [patches, 2],
    restore: [batch.featureRows],
  });
  const tower = new TowerRecorder(tape, weights, lora);
  const norm = (name: string, x: Tensor) => rmsNorm(tape, x, tower.tensor(`${name}.weight`), NORM_EPS);
  const inWindows = { ...inputs, ranges: inputs.windows, keyRanges: inputs.windowKeys };
  const whole = { ...inputs, ranges: inputs.full, keyRanges: inputs.fullKeys };
  let x = tower.linear('patch_embed.proj', inputs.pixels);
  for (const i of range(shape.depth)) {
    const block = `blocks.${i}`;
    const qkv = tower.linear(`${block}.attn.qkv`, norm(`${block}.norm1`, x));
    const o = selfAttention(tape, qkv, shape, shape.fullAttentionBlocks.includes(i) ? whole : inWindows);
    const y = tower.linear(`${block}.attn.proj`, o, x);
    const n = norm(`${block}.norm2`, y);
    const inner = swiglu(tape, tower.linear(`${block}.mlp.gate_proj`, n), tower.linear(`${block}.mlp.up_proj`, n));
    x = tower.linear(`${block}.mlp.down_proj`, inner, y);
  }
  const unit = shape.spatialMergeSize ** 2;
  const merged = norm('merger.ln_q', x).reshape(x.rows / unit, hiddenSize * unit);
  const out = tower.linear('merger.mlp.2', gelu(tape, tower.linear('merger.mlp.0', merged)));
  return { inputs, features: gatherRows(tape, out, inputs.restore) };
}
