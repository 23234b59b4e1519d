/**
 * What the vision towers of Qwen2-VL and Qwen3-VL share: pictures in merge-block order, blocks of layer norm, attention
 * over the whole picture and a GELU MLP.
 */
import type { Tensor } from '../../gpu/tensor.ts';
import { attention } from '../../ops/attention.ts';
import type { GeluForm } from '../../ops/gelu.ts';
import { gelu } from '../../ops/gelu.ts';
import { layerNorm } from '../../ops/layer-norm.ts';
import { linear } from '../../ops/linear.ts';
import { rotary } from '../../ops/rotary.ts';
import type { Tape } from '../../ops/tape.ts';
import { layerNormEntries, linearEntries, type TensorEntry } from '../manifest.ts';
import type { LoraLookup, PixelInput, VisionBatch } from '../model.ts';
import type { ModelWeights } from '../weights.ts';
import { BlockRanges, pixelsOfPass, placePictures } from '../vision/patches.ts';
import { visionTable } from './positions.ts';

export const NORM_EPS = 1e-6;
export const VISION = 'model.visual';

/** What a block needs to know; `fc1` and `fc2` are the names of its MLP's linears. */
export interface BlockShape {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly spatialMergeSize: number;
  readonly activation: GeluForm;
  readonly fc1: string;
  readonly fc2: string;
}

export interface PatchShape {
  readonly hiddenSize: number;
  readonly inChannels: number;
  readonly temporalPatchSize: number;
  readonly patchSize: number;
}

/** Values of one patch. */
export const patchWidthOf = ({ inChannels, temporalPatchSize, patchSize }: PatchShape): number =>
  inChannels * temporalPatchSize * patchSize ** 2;

export function patchEmbedEntries(shape: PatchShape, bias: boolean): TensorEntry[] {
  const kernel: TensorEntry = {
    name: `${VISION}.patch_embed.proj.weight`,
    shape: [shape.hiddenSize, shape.inChannels, shape.temporalPatchSize, shape.patchSize, shape.patchSize],
    role: 'kernel',
    tower: 'vision',
  };
  return bias
    ? [kernel, { name: `${VISION}.patch_embed.proj.bias`, shape: [shape.hiddenSize], role: 'vector', tower: 'vision' }]
    : [kernel];
}

export function blockEntries(
  { hiddenSize: h, intermediateSize: f, fc1, fc2 }: BlockShape,
  index: number,
): TensorEntry[] {
  const block = `${VISION}.blocks.${index}`;
  return [
    ...layerNormEntries('vision', `${block}.norm1`, h),
    ...layerNormEntries('vision', `${block}.norm2`, h),
    ...linearEntries('vision', `${block}.attn.qkv`, 3 * h, h, true),
    ...linearEntries('vision', `${block}.attn.proj`, h, h, true),
    ...linearEntries('vision', `${block}.mlp.${fc1}`, f, h, true),
    ...linearEntries('vision', `${block}.mlp.${fc2}`, h, f, true),
  ];
}

export interface PictureArrays {
  readonly patches: number;
  readonly patchWidth: number;
  /** Where each picture's patches begin. */
  readonly bases: readonly number[];
  readonly pixels: Float32Array<ArrayBuffer>;
  readonly table: Float32Array<ArrayBuffer>;
  readonly positions: Uint32Array<ArrayBuffer>;
  readonly ranges: Uint32Array<ArrayBuffer>;
  readonly keyRanges: Uint32Array<ArrayBuffer>;
}

/** Several pictures as one sequence of patches, each seeing its own picture. */
export function pictureArrays(images: readonly PixelInput[], shape: BlockShape & PatchShape): PictureArrays {
  const headDim = shape.hiddenSize / shape.heads;
  const { patches, bases } = placePictures(images, shape.spatialMergeSize ** 2);
  const width = patchWidthOf(shape);
  const pixels = pixelsOfPass(images, patches, width);
  const table = new Float32Array(patches * headDim);
  const whole = new BlockRanges(patches);
  images.forEach(({ pixels: source, grid }, i) => {
    const base = bases[i]!;
    if (source.length) pixels.set(source, base * width);
    table.set(visionTable(grid, headDim, shape.spatialMergeSize), base * headDim);
    whole.add(base, base + grid.height * grid.width);
  });
  const positions = Uint32Array.from({ length: patches }, (_, i) => i);
  return { patches, patchWidth: width, bases, pixels, table, positions, ranges: whole.ranges, keyRanges: whole.keys };
}

export const pictureShapes = ({ patches, patchWidth, arrays }: VisionBatch) => ({
  pixels: [patches, patchWidth],
  table: [patches, arrays['table']!.length / patches / 2, 2],
  positions: [patches],
  ranges: [patches, 4],
  keyRanges: [patches, 2],
});

export const batchOf = (
  { patches, patchWidth, bases, ...arrays }: PictureArrays,
  merge: number,
  extra: VisionBatch['arrays'] = {},
): VisionBatch => ({
  key: `patches ${patches}`,
  patches,
  patchWidth,
  featureRows: patches / merge ** 2,
  featureStarts: bases.map((base) => base / merge ** 2),
  arrays: { ...arrays, ...extra },
});

/** Records linears and norms of a tower by their names below `model.visual`. */
export class TowerRecorder {
  readonly tape: Tape;
  readonly #weights: ModelWeights;
  readonly #lora: LoraLookup | undefined;

  constructor(tape: Tape, weights: ModelWeights, lora?: LoraLookup) {
    this.tape = tape;
    this.#weights = weights;
    this.#lora = lora;
  }

  linear(name: string, x: Tensor, residual?: Tensor): Tensor {
    const module = `${VISION}.${name}`;
    const lora = this.#lora?.(module);
    return linear(this.tape, x, this.#weights.linear(module), { lora, label: name, ...(residual && { residual }) });
  }

  norm(name: string, x: Tensor): Tensor {
    const module = `${VISION}.${name}`;
    const [weight, bias] = [this.#weights.tensor(`${module}.weight`), this.#weights.tensor(`${module}.bias`)];
    return layerNorm(this.tape, x, weight, bias, NORM_EPS);
  }

  tensor(name: string): Tensor {
    return this.#weights.tensor(`${VISION}.${name}`);
  }
}

/** x [patches, hidden] → the same, through block `index`. */
export function recordBlock(
  tower: TowerRecorder,
  x: Tensor,
  index: number,
  shape: BlockShape,
  inputs: AttentionInputs,
): Tensor {
  const { tape } = tower;
  const block = `blocks.${index}`;
  const qkv = tower.linear(`${block}.attn.qkv`, tower.norm(`${block}.norm1`, x));
  const y = tower.linear(`${block}.attn.proj`, selfAttention(tape, qkv, shape, inputs), x);
  const inner = tower.linear(`${block}.mlp.${shape.fc1}`, tower.norm(`${block}.norm2`, y));
  return tower.linear(`${block}.mlp.${shape.fc2}`, gelu(tape, inner, shape.activation), y);
}

/** Which patch stands where, and what each may look at. */
export type AttentionInputs = Readonly<Record<'table' | 'positions' | 'ranges' | 'keyRanges', Tensor>>;

/** qkv [patches, 3 · hidden], q and k not yet turned → [patches, hidden]. */
export function selfAttention(
  tape: Tape,
  qkv: Tensor,
  { heads, hiddenSize }: { readonly heads: number; readonly hiddenSize: number },
  { table, positions, ranges, keyRanges }: AttentionInputs,
): Tensor {
  const headDim = hiddenSize / heads;
  // One rotary over the 2·heads heads of q and k, which are the first two thirds of the columns.
  const qk = rotary(tape, qkv, { table, positions }, { heads: 2 * heads, headDim });
  return attention(tape, {
    q: qk,
    k: qk,
    v: qkv,
    qOffset: 0,
    kOffset: hiddenSize,
    vOffset: 2 * hiddenSize,
    ranges,
    keyRanges,
    heads,
    kvHeads: heads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
  });
}
