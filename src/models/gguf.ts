/**
 * A family as llama.cpp knows it: under which names and settings its files hold the model, and what of a checkpoint it
 * cannot serve. Names and settings are those that llama.cpp's loaders ask for (src/models, tools/mtmd/clip.cpp, b10257).
 */
import { bool, f32, string, u32, type GgufMetadata } from '../formats/gguf.ts';
import type { DecoderLayout } from './decoder-manifest.ts';
import type { PixelLimits } from './processor.ts';
import type { Rope } from './rope.ts';

/** The text model is one file, the vision tower with its projector (mmproj) another. */
export type GgufFile = 'text' | 'mmproj';

/** A tensor of llama.cpp, made of one of ours. */
export interface GgufPlace {
  readonly file: GgufFile;
  readonly name: string;
  /** Rows of ours that it has; absent: all. */
  readonly rows?: { readonly from: number; readonly count: number };
  /**
   * Heads whose rows lie as pairs: llama.cpp's Llama turns neighbours (2i, 2i + 1), transformers' turns (i, i + D/2).
   * The values are the same, in another order.
   */
  readonly pairedHeads?: number;
  /** Columns of a row of ours that it has, in order; absent: all. */
  readonly columns?: readonly number[];
  /** Rows of ours by their numbers, in order: of tables that are small. */
  readonly picked?: readonly number[];
  /** Its shape, where it is not that of the rows above with our columns. */
  readonly shape?: readonly number[];
  /** `matrix` may be quantised; `exact` stays in f32; `ends` are embedding and head, which keep eight bits at least. */
  readonly kind: 'matrix' | 'exact' | 'ends';
}

export interface GgufFamily {
  /** `general.architecture` of the text model. */
  readonly architecture: string;
  readonly text: GgufMetadata;
  /** What llama.cpp asks of the mmproj besides how pictures are read. */
  readonly mmproj: GgufMetadata;
  /** Frequency divisors of the rotary embedding, if the text model has any: a tensor of its own. */
  readonly ropeFactors?: readonly number[];
  /** What is said of pictures, and why llama.cpp would cut them otherwise. */
  pictures(limits: PixelLimits): { readonly metadata: GgufMetadata; readonly obstacles: readonly string[] };
  /** Where a tensor goes, by its canonical name; null: this family has none of this name. */
  places(name: string): readonly GgufPlace[] | null;
  /** Why llama.cpp would answer otherwise or not at all, in whole sentences; empty: it serves this checkpoint. */
  readonly obstacles: readonly string[];
}

/** What config.json says besides a decoder's layout. */
export interface DecoderFacts {
  readonly rope: Rope;
  /** Longest context that the model was made for, tokens. */
  readonly maxPositions: number;
}

const NAMES: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
};

/** Tensors of a Llama-like decoder. `paired`: the architecture turns neighbours (`GgufPlace.pairedHeads`). */
export function decoderPlaces({ module, shape }: DecoderLayout, paired: boolean) {
  const heads: Readonly<Record<string, number>> = paired ? { attn_q: shape.heads, attn_k: shape.kvHeads } : {};
  return (name: string): readonly GgufPlace[] | null => {
    if (name === `${module}.embed_tokens.weight`) return [{ file: 'text', name: 'token_embd.weight', kind: 'ends' }];
    if (name === 'lm_head.weight') return [{ file: 'text', name: 'output.weight', kind: 'ends' }];
    if (name === `${module}.norm.weight`) return [{ file: 'text', name: 'output_norm.weight', kind: 'exact' }];
    if (!name.startsWith(`${module}.layers.`)) return null;
    const [, layer, part, what] = name.slice(module.length).match(/^\.layers\.(\d+)\.(.+)\.(weight|bias)$/) ?? [];
    const to = part === undefined ? undefined : NAMES[part];
    if (to === undefined) return null;
    const pairedHeads = heads[to];
    const kind = what === 'bias' || to.endsWith('norm') ? 'exact' : 'matrix';
    return [
      { file: 'text', name: `blk.${layer}.${to}.${what}`, kind, ...(pairedHeads !== undefined && { pairedHeads }) },
    ];
  };
}

/** Settings of a Llama-like decoder, each under its architecture's name. */
export function decoderMetadata(
  architecture: string,
  { shape, vocabSize }: DecoderLayout,
  { rope, maxPositions }: DecoderFacts,
): GgufMetadata {
  const entries: GgufMetadata = {
    vocab_size: u32(vocabSize),
    context_length: u32(maxPositions),
    embedding_length: u32(shape.hiddenSize),
    block_count: u32(shape.layers),
    feed_forward_length: u32(shape.intermediateSize),
    'attention.head_count': u32(shape.heads),
    'attention.head_count_kv': u32(shape.kvHeads),
    'attention.key_length': u32(shape.headDim),
    'attention.value_length': u32(shape.headDim),
    'attention.layer_norm_rms_epsilon': f32(shape.normEps),
    'rope.dimension_count': u32(shape.headDim),
    'rope.freq_base': f32(rope.theta),
    ...(rope.stretch === 'linear' && {
      'rope.scaling.type': string('linear'),
      'rope.scaling.factor': f32(rope.factor),
    }),
  };
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [`${architecture}.${key}`, value]));
}

/** What the decoders of llama.cpp do not compute, whatever the family. */
export function decoderObstacles(
  architecture: string,
  { bias }: DecoderLayout,
  { rope }: DecoderFacts,
  /** Whether the architecture knows biases behind attention and in the MLP. */
  moreBiases: boolean,
): string[] {
  return [
    ...(rope.stretch === 'yarn'
      ? ['It stretches positions by YaRN, which is not written: llama.cpp reckons its scale in another way.']
      : []),
    ...(rope.stretch === 'llama3' && architecture !== 'llama'
      ? [`It stretches positions as Llama 3 does, and llama.cpp’s ${architecture} takes no such table.`]
      : []),
    ...((bias.o || bias.mlp) && !moreBiases
      ? [`Its layers have a bias behind attention, for which llama.cpp’s ${architecture} has no place.`]
      : []),
  ];
}

/** A linear of a tower under another name. */
export const linearPlace = (name: string, what: string): GgufPlace => ({
  file: 'mmproj',
  name: `${name}.${what}`,
  kind: what === 'weight' ? 'matrix' : 'exact',
});

export const exactPlace = (name: string): GgufPlace => ({ file: 'mmproj', name, kind: 'exact' });

export interface TowerFacts {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly depth: number;
  readonly heads: number;
  readonly patchSize: number;
  readonly normEps: number;
  /** Width of what comes out. */
  readonly outHiddenSize: number;
  /** Side of the picture that llama.cpp sizes its buffers by, or of a tile. */
  readonly imageSize: number;
}

export const towerMetadata = (projector: string, tower: TowerFacts): GgufMetadata => ({
  'clip.has_vision_encoder': bool(true),
  'clip.projector_type': string(projector),
  'clip.vision.image_size': u32(tower.imageSize),
  'clip.vision.patch_size': u32(tower.patchSize),
  'clip.vision.embedding_length': u32(tower.hiddenSize),
  'clip.vision.feed_forward_length': u32(tower.intermediateSize),
  'clip.vision.projection_dim': u32(tower.outHiddenSize),
  'clip.vision.block_count': u32(tower.depth),
  'clip.vision.attention.head_count': u32(tower.heads),
  'clip.vision.attention.layer_norm_epsilon': f32(tower.normEps),
});
