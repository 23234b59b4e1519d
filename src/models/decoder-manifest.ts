/** The tensors of a Llama-like decoder: what nn/decoder.ts runs, under the names that transformers gives them. */
import type { DecoderLayerWeights, DecoderLinear, DecoderShape } from '../nn/decoder.ts';
import { linearEntries, range, vectorEntry, type TensorEntry } from './manifest.ts';
import type { ModelWeights } from './weights.ts';

export interface DecoderLayout {
  /** The module of the decoder, e.g. `model.language_model`. */
  readonly module: string;
  readonly shape: DecoderShape;
  /** Which linears have a bias: q, k and v in Qwen2, none in Llama and Qwen3 unless config.json says so. */
  readonly bias: { readonly qkv: boolean; readonly o: boolean; readonly mlp: boolean };
  /** q and k are normalised per head before they are turned (Qwen3). */
  readonly qkNorm: boolean;
  readonly vocabSize: number;
  readonly tieWordEmbeddings: boolean;
}

const attention = ({ module }: DecoderLayout, layer: number) => `${module}.layers.${layer}.self_attn`;
const mlp = ({ module }: DecoderLayout, layer: number) => `${module}.layers.${layer}.mlp`;

/** Embedding, layers, norm and head, in the order of the module tree. */
export function decoderEntries(layout: DecoderLayout): TensorEntry[] {
  const { hiddenSize: h, heads, kvHeads, headDim: d, intermediateSize: f, layers } = layout.shape;
  const linear = (module: string, out: number, inn: number, bias = false) =>
    linearEntries('text', module, out, inn, bias);
  const vector = (name: string, size: number) => vectorEntry('text', name, size);
  return [
    { name: `${layout.module}.embed_tokens.weight`, shape: [layout.vocabSize, h], role: 'embedding', tower: 'text' },
    ...range(layers).flatMap((i) => [
      ...linear(`${attention(layout, i)}.q_proj`, heads * d, h, layout.bias.qkv),
      ...linear(`${attention(layout, i)}.k_proj`, kvHeads * d, h, layout.bias.qkv),
      ...linear(`${attention(layout, i)}.v_proj`, kvHeads * d, h, layout.bias.qkv),
      ...linear(`${attention(layout, i)}.o_proj`, h, heads * d, layout.bias.o),
      ...(layout.qkNorm
        ? [vector(`${attention(layout, i)}.q_norm.weight`, d), vector(`${attention(layout, i)}.k_norm.weight`, d)]
        : []),
      ...linear(`${mlp(layout, i)}.gate_proj`, f, h, layout.bias.mlp),
      ...linear(`${mlp(layout, i)}.up_proj`, f, h, layout.bias.mlp),
      ...linear(`${mlp(layout, i)}.down_proj`, h, f, layout.bias.mlp),
      vector(`${layout.module}.layers.${i}.input_layernorm.weight`, h),
      vector(`${layout.module}.layers.${i}.post_attention_layernorm.weight`, h),
    ]),
    vector(`${layout.module}.norm.weight`, h),
    ...(layout.tieWordEmbeddings
      ? []
      : [{ name: 'lm_head.weight', shape: [layout.vocabSize, h], role: 'head', tower: 'text' } as const]),
  ];
}

export function decoderLayers(layout: DecoderLayout, weights: ModelWeights): DecoderLayerWeights[] {
  return range(layout.shape.layers).map((i) => {
    const modules: Record<DecoderLinear, string> = {
      q: `${attention(layout, i)}.q_proj`,
      k: `${attention(layout, i)}.k_proj`,
      v: `${attention(layout, i)}.v_proj`,
      o: `${attention(layout, i)}.o_proj`,
      gate: `${mlp(layout, i)}.gate_proj`,
      up: `${mlp(layout, i)}.up_proj`,
      down: `${mlp(layout, i)}.down_proj`,
    };
    return {
      inputNorm: weights.tensor(`${layout.module}.layers.${i}.input_layernorm.weight`),
      postNorm: weights.tensor(`${layout.module}.layers.${i}.post_attention_layernorm.weight`),
      ...(layout.qkNorm && {
        qNorm: weights.tensor(`${attention(layout, i)}.q_norm.weight`),
        kNorm: weights.tensor(`${attention(layout, i)}.k_norm.weight`),
      }),
      linears: Object.fromEntries(
        Object.entries(modules).map(([role, module]) => [role, { module, weights: weights.linear(module) }]),
      ) as DecoderLayerWeights['linears'],
    };
  });
}
