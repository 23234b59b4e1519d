/**
 * Qwen2.5-VL's vision tower (arXiv 2502.13923): patches in window order, blocks that attend inside windows or over the
 * whole picture, and a merger that makes one token of each 2 × 2 patches.
 */
import type { Tensor } from '../../gpu/tensor.ts';
import { attention } from '../../ops/attention.ts';
import { gatherRows } from '../../ops/gather.ts';
import { gelu } from '../../ops/gelu.ts';
import { linear } from '../../ops/linear.ts';
import { rmsNorm } from '../../ops/rms-norm.ts';
import { rotary } from '../../ops/rotary.ts';
import { swiglu } from '../../ops/swiglu.ts';
import type { Tape } from '../../ops/tape.ts';
import type { LoraLookup, PixelInput, VisionBatch } from '../model.ts';
import type { Qwen25VLConfig, VisionShape } from './config.ts';
import { visionTable, windowOrder } from './positions.ts';
import type { Qwen25VLWeights } from './weights.ts';

const NORM_EPS = 1e-6;
/** Patches are padded to a multiple of this. */
const PAD = 64;

/** Several pictures as one sequence of patches: pixels, rotary table and windows in window order, and the way back. */
export function visionBatch(images: readonly PixelInput[], vision: VisionShape): VisionBatch {
  const merge = vision.spatialMergeSize;
  const unit = merge * merge;
  const headDim = vision.hiddenSize / vision.heads;
  const used = images.reduce((sum, { grid }) => sum + grid.height * grid.width, 0);
  // Padding patches see nothing and no one sees them; it makes passes of nearby sizes share a program.
  const patches = Math.ceil(used / PAD) * PAD;
  const width = images.length ? images[0]!.pixels.length / (images[0]!.grid.height * images[0]!.grid.width) : 0;
  const pixels = new Float32Array(patches * width);
  const table = new Float32Array(patches * headDim);
  const windows = new Uint32Array(patches * 4);
  const full = new Uint32Array(patches * 4);
  const windowKeys = new Uint32Array(patches * 2);
  const fullKeys = new Uint32Array(patches * 2);
  const restore = new Int32Array(patches / unit).fill(-1);
  let base = 0;
  for (const { pixels: source, grid } of images) {
    const count = grid.height * grid.width;
    const { order, bounds } = windowOrder(grid, vision);
    const angles = visionTable(grid, headDim, merge);
    order.forEach((from, to) => {
      pixels.set(source.subarray(from * unit * width, (from + 1) * unit * width), (base + to * unit) * width);
      table.set(angles.subarray(from * unit * headDim, (from + 1) * unit * headDim), (base + to * unit) * headDim);
      restore[base / unit + from] = base / unit + to;
    });
    for (let w = 0; w + 1 < bounds.length; w++)
      fillRanges(windows, windowKeys, base + bounds[w]!, base + bounds[w + 1]!);
    fillRanges(full, fullKeys, base, base + count);
    base += count;
  }
  const positions = Uint32Array.from({ length: patches }, (_, i) => i);
  return {
    key: `patches ${patches}`,
    featureRows: patches / unit,
    arrays: { pixels, table, positions, windows, full, windowKeys, fullKeys, restore },
  };
}

function fillRanges(ranges: Uint32Array, keys: Uint32Array, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    ranges.set([0, 0, start, end], 4 * i);
    keys.set([start, end], 2 * i);
  }
}

/** inputs as named by `visionBatch` → features [patches / merge², out hidden] in raster order. */
export function recordVision(
  tape: Tape,
  { vision }: Qwen25VLConfig,
  weights: Qwen25VLWeights,
  inputs: Readonly<Record<string, Tensor>>,
  lora?: LoraLookup,
): Tensor {
  const { pixels, table, positions, windows, full, windowKeys, fullKeys, restore } = inputs as Record<string, Tensor>;
  const { heads, hiddenSize } = vision;
  const headDim = hiddenSize / heads;
  let x = linear(tape, pixels!, { weight: weights.patchEmbed }, { label: 'patch embedding' });
  weights.blocks.forEach((block, i) => {
    const project = (name: keyof typeof block.linears, input: Tensor, residual?: Tensor) => {
      const { module, weights: w } = block.linears[name];
      return linear(tape, input, w, {
        lora: lora?.(module),
        label: `vision ${i} ${name}`,
        ...(residual && { residual }),
      });
    };
    const whole = vision.fullAttentionBlocks.includes(i);
    const qkv = project('qkv', rmsNorm(tape, x, block.norm1, NORM_EPS));
    // One rotary over the 2·heads heads of q and k, which are the first two thirds of the columns.
    const qk = rotary(tape, qkv, { table: table!, positions: positions! }, { heads: 2 * heads, headDim });
    const o = attention(tape, {
      q: qk,
      k: qk,
      v: qkv,
      qOffset: 0,
      kOffset: hiddenSize,
      vOffset: 2 * hiddenSize,
      ranges: whole ? full! : windows!,
      keyRanges: whole ? fullKeys! : windowKeys!,
      heads,
      kvHeads: heads,
      headDim,
      scale: 1 / Math.sqrt(headDim),
    });
    const y = project('proj', o, x);
    const n = rmsNorm(tape, y, block.norm2, NORM_EPS);
    x = project('down', swiglu(tape, project('gate', n), project('up', n)), y);
  });
  const unit = vision.spatialMergeSize ** 2;
  const merged = rmsNorm(tape, x, weights.mergerNorm, NORM_EPS).reshape(x.rows / unit, hiddenSize * unit);
  const [first, second] = weights.merger as [(typeof weights.merger)[number], (typeof weights.merger)[number]];
  const inner = gelu(tape, linear(tape, merged, first.weights, { lora: lora?.(first.module), label: 'merger 0' }));
  const out = linear(tape, inner, second.weights, { lora: lora?.(second.module), label: 'merger 2' });
  return gatherRows(tape, out, restore!);
}
