/** Qwen2.5-VL's tensors on the GPU, by role. */
import { canonicalName } from '../../formats/peft.ts';
import type { CheckpointWeights } from '../../formats/checkpoint-files.ts';
import type { Session } from '../../gpu/recorder.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import type { DecoderLayerWeights, DecoderLinear } from '../../nn/decoder.ts';
import type { LinearWeights } from '../../ops/linear.ts';
import type { LinearModule } from '../model.ts';
import { WeightLoader, type LoadOptions } from '../weights.ts';
import type { Qwen25VLConfig } from './config.ts';

export interface VisionBlockWeights {
  readonly norm1: Tensor;
  readonly norm2: Tensor;
  readonly linears: Readonly<
    Record<'qkv' | 'proj' | 'gate' | 'up' | 'down', { readonly module: string; readonly weights: LinearWeights }>
  >;
}

export interface Qwen25VLWeights {
  readonly patchEmbed: Tensor;
  readonly blocks: readonly VisionBlockWeights[];
  readonly mergerNorm: Tensor;
  readonly merger: readonly { readonly module: string; readonly weights: LinearWeights }[];
  readonly embedTokens: Tensor;
  readonly layers: readonly DecoderLayerWeights[];
  readonly norm: Tensor;
  readonly head: Tensor;
  /** Every tensor loaded, to be released together. */
  readonly all: readonly Tensor[];
}

const TEXT = 'model.language_model';
const VISION = 'model.visual';

type Size = readonly [module: string, outFeatures: number, inFeatures: number, bias: boolean];

function decoderSizes(config: Qwen25VLConfig, layer: number): Record<DecoderLinear, Size> {
  const { hiddenSize: h, heads, kvHeads, headDim: d, intermediateSize: f } = config.decoder;
  const [attn, mlp] = [`${TEXT}.layers.${layer}.self_attn`, `${TEXT}.layers.${layer}.mlp`];
  return {
    q: [`${attn}.q_proj`, heads * d, h, true],
    k: [`${attn}.k_proj`, kvHeads * d, h, true],
    v: [`${attn}.v_proj`, kvHeads * d, h, true],
    o: [`${attn}.o_proj`, h, heads * d, false],
    gate: [`${mlp}.gate_proj`, f, h, false],
    up: [`${mlp}.up_proj`, f, h, false],
    down: [`${mlp}.down_proj`, h, f, false],
  };
}

function visionSizes(config: Qwen25VLConfig, block: number): Record<'qkv' | 'proj' | 'gate' | 'up' | 'down', Size> {
  const { hiddenSize: h, intermediateSize: f } = config.vision;
  const base = `${VISION}.blocks.${block}`;
  return {
    qkv: [`${base}.attn.qkv`, 3 * h, h, true],
    proj: [`${base}.attn.proj`, h, h, true],
    gate: [`${base}.mlp.gate_proj`, f, h, true],
    up: [`${base}.mlp.up_proj`, f, h, true],
    down: [`${base}.mlp.down_proj`, h, f, true],
  };
}

function mergerSizes({ vision }: Qwen25VLConfig): Size[] {
  const wide = vision.hiddenSize * vision.spatialMergeSize ** 2;
  return [
    [`${VISION}.merger.mlp.0`, wide, wide, true],
    [`${VISION}.merger.mlp.2`, vision.outHiddenSize, wide, true],
  ];
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Every linear in the order of the module tree, vision first. */
export function linearModules(config: Qwen25VLConfig): LinearModule[] {
  const sizes = [
    ...range(config.vision.depth).flatMap((i) => Object.values(visionSizes(config, i))),
    ...mergerSizes(config),
    ...range(config.decoder.layers).flatMap((i) => Object.values(decoderSizes(config, i))),
  ];
  const modules: LinearModule[] = sizes.map(([name, outFeatures, inFeatures]) => ({ name, outFeatures, inFeatures }));
  modules.push({
    name: 'lm_head',
    outFeatures: config.vocabSize,
    inFeatures: config.decoder.hiddenSize,
    outputHead: true,
  });
  return modules;
}

/** @throws GroundworkError `tensor-missing`, `tensor-shape`, `half-overflow` */
export async function loadWeights(
  session: Session,
  config: Qwen25VLConfig,
  checkpoint: CheckpointWeights,
  options: LoadOptions,
): Promise<Qwen25VLWeights> {
  const loader = new WeightLoader(session, checkpoint, canonicalName, options);
  const linear = async ([module, out, inn, bias]: Size) => ({
    module,
    weights: {
      weight: await loader.matrix(`${module}.weight`, out, inn),
      ...(bias && { bias: await loader.vector(`${module}.bias`, out) }),
    } as LinearWeights,
  });
  const group = async <K extends string>(sizes: Record<K, Size>) => {
    const result = {} as Record<K, { module: string; weights: LinearWeights }>;
    for (const key of Object.keys(sizes) as K[]) result[key] = await linear(sizes[key]);
    return result;
  };
  try {
    const { vision, decoder } = config;
    const patch = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
    const patchEmbed = await loader.matrix(`${VISION}.patch_embed.proj.weight`, vision.hiddenSize, patch);
    const blocks: VisionBlockWeights[] = [];
    for (const i of range(vision.depth))
      blocks.push({
        norm1: await loader.vector(`${VISION}.blocks.${i}.norm1.weight`, vision.hiddenSize),
        norm2: await loader.vector(`${VISION}.blocks.${i}.norm2.weight`, vision.hiddenSize),
        linears: await group(visionSizes(config, i)),
      });
    const mergerNorm = await loader.vector(`${VISION}.merger.ln_q.weight`, vision.hiddenSize);
    const merger = [];
    for (const size of mergerSizes(config)) merger.push(await linear(size));
    const embedTokens = await loader.matrix(`${TEXT}.embed_tokens.weight`, config.vocabSize, decoder.hiddenSize);
    const layers: DecoderLayerWeights[] = [];
    for (const i of range(decoder.layers))
      layers.push({
        inputNorm: await loader.vector(`${TEXT}.layers.${i}.input_layernorm.weight`, decoder.hiddenSize),
        postNorm: await loader.vector(`${TEXT}.layers.${i}.post_attention_layernorm.weight`, decoder.hiddenSize),
        linears: await group(decoderSizes(config, i)),
      });
    const norm = await loader.vector(`${TEXT}.norm.weight`, decoder.hiddenSize);
    const head = config.tieWordEmbeddings
      ? embedTokens
      : await loader.matrix('lm_head.weight', config.vocabSize, decoder.hiddenSize);
    return { patchEmbed, blocks, mergerNorm, merger, embedTokens, layers, norm, head, all: loader.tensors };
  } catch (error) {
    session.release(...loader.tensors);
    throw error;
  }
}
