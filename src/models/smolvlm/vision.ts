/**
 * SigLIP as SmolVLM and Idefics3 use it: every tile alone through a transformer with a table of positions, then
 * scale × scale patches side by side (pixel shuffle) and one projection into the text's width.
 */
import { attention } from '../../ops/attention.ts';
import { gelu } from '../../ops/gelu.ts';
import { embed } from '../../ops/gather.ts';
import { layerNorm } from '../../ops/layer-norm.ts';
import { linear } from '../../ops/linear.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import type { VisionArchitecture } from '../architecture.ts';
import { headSize } from '../decoder-shape.ts';
import type { Fields } from '../fields.ts';
import { layerNormEntries, linearEntries, range, type TensorEntry } from '../manifest.ts';
import { batchInputs, BlockRanges, paddedPatches, pixelsOfPass, placePictures } from '../vision/patches.ts';

export interface SiglipShape {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channels: number;
  readonly normEps: number;
}

export interface SmolVisionShape extends SiglipShape {
  readonly scaleFactor: number;
  readonly outHiddenSize: number;
  /** In which coordinates are cut into positions; see `positionBuckets`. */
  readonly dtype: CoordinateType;
}

export type CoordinateType = 'float32' | 'bfloat16' | 'float16';

/** Side of a tile, in pixels. */
const LARGEST_TILE = 4096;
const VISION = 'model.vision_model';
const CONNECTOR = 'model.connector.modality_projection.proj';

/** Defaults are transformers'. @throws GroundworkError `config-invalid` */
export function parseSiglip(vision: Fields): SiglipShape {
  vision.only('hidden_act', 'gelu_pytorch_tanh');
  const hiddenSize = vision.size('hidden_size', 1152, 4);
  const heads = vision.size('num_attention_heads', 16);
  headSize(vision, 'num_attention_heads', hiddenSize / heads);
  const imageSize = vision.size('image_size', 224);
  if (imageSize > LARGEST_TILE) throw vision.invalid('image_size', `no more than ${LARGEST_TILE}`);
  const patchSize = vision.size('patch_size', 32);
  if (patchSize > imageSize || (3 * patchSize ** 2) % 4 !== 0)
    throw vision.invalid('patch_size', 'an even number no larger than image_size');
  return {
    hiddenSize,
    layers: vision.layers('num_hidden_layers', 12),
    heads,
    intermediateSize: vision.size('intermediate_size', 3072, 4),
    imageSize,
    patchSize,
    channels: vision.only('num_channels', 3),
    normEps: vision.number('layer_norm_eps', 1e-6),
  };
}

function visionEntries(shape: SmolVisionShape): TensorEntry[] {
  const { hiddenSize: h, intermediateSize: f } = shape;
  const side = Math.floor(shape.imageSize / shape.patchSize);
  const linear = (module: string, out: number, inn: number) => linearEntries('vision', module, out, inn, true);
  return [
    {
      name: `${VISION}.embeddings.patch_embedding.weight`,
      shape: [h, shape.channels, shape.patchSize, shape.patchSize],
      role: 'kernel',
      tower: 'vision',
    },
    { name: `${VISION}.embeddings.patch_embedding.bias`, shape: [h], role: 'vector', tower: 'vision' },
    { name: `${VISION}.embeddings.position_embedding.weight`, shape: [side ** 2, h], role: 'table', tower: 'vision' },
    ...range(shape.layers).flatMap((i) => {
      const layer = `${VISION}.encoder.layers.${i}`;
      return [
        ...layerNormEntries('vision', `${layer}.layer_norm1`, h),
        ...linear(`${layer}.self_attn.k_proj`, h, h),
        ...linear(`${layer}.self_attn.v_proj`, h, h),
        ...linear(`${layer}.self_attn.q_proj`, h, h),
        ...linear(`${layer}.self_attn.out_proj`, h, h),
        ...layerNormEntries('vision', `${layer}.layer_norm2`, h),
        ...linear(`${layer}.mlp.fc1`, f, h),
        ...linear(`${layer}.mlp.fc2`, h, f),
      ];
    }),
    ...layerNormEntries('vision', `${VISION}.post_layernorm`, h),
    ...linearEntries('vision', CONNECTOR, shape.outHiddenSize, h * shape.scaleFactor ** 2, false),
  ];
}

export function vision(shape: SmolVisionShape): VisionArchitecture {
  const { hiddenSize, heads, scaleFactor, normEps } = shape;
  const unit = scaleFactor ** 2;
  const patchWidth = shape.channels * shape.patchSize ** 2;
  const side = Math.floor(shape.imageSize / shape.patchSize);
  const tilePositions = blockOrder(side, scaleFactor, positionBuckets(side, shape.dtype));
  return {
    entries: visionEntries(shape),
    featureColumns: shape.outHiddenSize,
    deepstackLayers: 0,
    tileSide: side,
    featureCount: ({ height, width }) => (height * width) / unit,
    patchesInPass: (grid) => paddedPatches(grid, unit),
    batch: (images) => {
      const { patches, bases } = placePictures(images, unit);
      const pixels = pixelsOfPass(images, patches, patchWidth);
      const positions = new Uint32Array(patches);
      const tiles = new BlockRanges(patches);
      images.forEach(({ pixels: source, grid }, i) => {
        let base = bases[i]!;
        if (source.length) pixels.set(source, base * patchWidth);
        for (let tile = 0; tile < grid.height / side; tile++, base += side * side) {
          positions.set(tilePositions, base);
          tiles.add(base, base + side * side);
        }
      });
      return {
        key: `patches ${patches}`,
        patches,
        patchWidth,
        featureRows: patches / unit,
        featureStarts: bases.map((base) => base / unit),
        arrays: { pixels, positions, ranges: tiles.ranges, keyRanges: tiles.keys },
      };
    },
    record: (tape, weights, batch, lora) => {
      const { patches } = batch;
      const inputs = batchInputs(tape.rec, batch, {
        pixels: [patches, patchWidth],
        positions: [patches],
        ranges: [patches, 4],
        keyRanges: [patches, 2],
      });
      const project = (module: string, x: Tensor, residual?: Tensor) =>
        linear(tape, x, weights.linear(module), {
          lora: lora?.(module),
          label: module,
          ...(residual && { residual }),
        });
      const norm = (module: string, x: Tensor) =>
        layerNorm(tape, x, weights.tensor(`${module}.weight`), weights.tensor(`${module}.bias`), normEps);
      const places = embed(tape, inputs.positions, weights.tensor(`${VISION}.embeddings.position_embedding.weight`));
      let x = project(`${VISION}.embeddings.patch_embedding`, inputs.pixels, places);
      for (const i of range(shape.layers)) {
        const layer = `${VISION}.encoder.layers.${i}`;
        const h = norm(`${layer}.layer_norm1`, x);
        const o = attention(tape, {
          q: project(`${layer}.self_attn.q_proj`, h),
          k: project(`${layer}.self_attn.k_proj`, h),
          v: project(`${layer}.self_attn.v_proj`, h),
          ranges: inputs.ranges,
          keyRanges: inputs.keyRanges,
          heads,
          kvHeads: heads,
          headDim: hiddenSize / heads,
          scale: 1 / Math.sqrt(hiddenSize / heads),
        });
        const y = project(`${layer}.self_attn.out_proj`, o, x);
        const inner = gelu(tape, project(`${layer}.mlp.fc1`, norm(`${layer}.layer_norm2`, y)), 'tanh');
        x = project(`${layer}.mlp.fc2`, inner, y);
      }
      const shuffled = norm(`${VISION}.post_layernorm`, x).reshape(patches / unit, hiddenSize * unit);
      return { inputs, features: project(CONNECTOR, shuffled) };
    },
  };
}

/** Raster positions of a tile in the order in which patches lie here: scale × scale blocks, so that the shuffle is a reshape. */
function blockOrder(side: number, scale: number, bucket: readonly number[]): Uint32Array<ArrayBuffer> {
  const order: number[] = [];
  for (let top = 0; top < side; top += scale)
    for (let left = 0; left < side; left += scale)
      for (let row = top; row < top + scale; row++)
        for (let column = left; column < left + scale; column++) order.push(bucket[row]! * side + bucket[column]!);
  return Uint32Array.from(order);
}

/**
 * The position of each row (and column) of a full tile. transformers finds it by cutting the fraction i / n at multiples
 * of 1 / n, in the dtype of the pixels; with n = 27 (SmolVLM 2.2B) rounding to bfloat16 puts six of them in the place
 * before, which is what the published weights were trained with, so it is done here as well.
 */
export function positionBuckets(side: number, dtype: CoordinateType): number[] {
  const round = ROUND[dtype];
  const step = Math.fround(1 / side);
  const boundaries = range(side - 1).map((i) => Math.fround(1 / side + i * (1 / side)));
  return range(side).map((i) => {
    const at = round(Math.min(Math.fround(i * step), Math.fround(1 - 1e-6)));
    return boundaries.filter((b) => b <= at).length;
  });
}

const bits = new DataView(new ArrayBuffer(4));

/** To `drop` fewer bits of mantissa, halves to even. */
function toMantissa(value: number, drop: number): number {
  bits.setFloat32(0, value);
  const raw = bits.getUint32(0);
  const half = 2 ** (drop - 1);
  const odd = Math.floor(raw / 2 ** drop) % 2;
  bits.setUint32(0, Math.floor((raw + half - 1 + odd) / 2 ** drop) * 2 ** drop);
  return bits.getFloat32(0);
}

const ROUND: Readonly<Record<CoordinateType, (value: number) => number>> = {
  float32: (v) => v,
  bfloat16: (v) => toMantissa(v, 16),
  // Coordinates are 0 or at least 1 / side, far above where halves become subnormal.
  float16: (v) => toMantissa(v, 13),
};
