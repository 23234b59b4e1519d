/** What the Qwen-VL families have in common in llama.cpp: M-RoPE's sections, and the tower's patches and blocks. */
import { u32, type GgufMetadata } from '../../formats/gguf.ts';
import {
  decoderMetadata,
  decoderObstacles,
  decoderPlaces,
  exactPlace,
  linearPlace,
  towerMetadata,
  type GgufFamily,
  type GgufPlace,
} from '../gguf.ts';
import type { QwenText } from './text.ts';
import { NORM_EPS, VISION, type PatchShape } from './vision-blocks.ts';
import type { QwenPatches } from './vision-sizes.ts';

export interface QwenTower extends PatchShape, QwenPatches {
  readonly depth: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly outHiddenSize: number;
}

interface QwenGguf {
  /** `general.architecture` of the text model, and the tower's projector. */
  readonly architecture: 'qwen2vl' | 'qwen3vl';
  readonly projector: string;
  readonly text: QwenText;
  readonly tower: QwenTower;
  readonly imageSize: number;
  /** Of the family alone. */
  readonly metadata?: GgufMetadata;
  readonly mmproj: GgufMetadata;
  readonly obstacles?: readonly string[];
  /** Whether q, k and v of a block are three tensors there. */
  readonly splitQkv: boolean;
  /** Parts of the tower by their names below `model.visual`: of blocks with `{}` in the place of their number. */
  readonly names: Readonly<Record<string, string>>;
  /** For parts that no table says. */
  readonly other?: (part: string, what: string) => readonly GgufPlace[] | null;
}

export function qwenGguf(family: QwenGguf): GgufFamily {
  const { architecture, text, tower } = family;
  const decoder = decoderPlaces(text.decoder, false);
  const facts = { rope: text.rope, maxPositions: text.maxPositions };
  return {
    architecture,
    text: {
      ...decoderMetadata(architecture, text.decoder, facts),
      [`${architecture}.rope.dimension_sections`]: { type: 'i32[]', value: [...text.mropeSection, 0] },
      ...family.metadata,
    },
    mmproj: {
      ...towerMetadata(family.projector, { ...tower, normEps: NORM_EPS, imageSize: family.imageSize }),
      'clip.vision.spatial_merge_size': u32(tower.spatialMergeSize),
      ...family.mmproj,
    },
    pictures: ({ minPixels, maxPixels }) => ({
      metadata: { 'clip.vision.image_min_pixels': u32(minPixels), 'clip.vision.image_max_pixels': u32(maxPixels) },
      obstacles: [],
    }),
    places: (name) => decoder(name) ?? towerPlaces(family, name),
    obstacles: [
      ...decoderObstacles(architecture, text.decoder, facts, false),
      ...(tower.temporalPatchSize === 2 ? [] : ['llama.cpp takes patches of two frames, and this model’s are others.']),
      ...(tower.spatialMergeSize === 2
        ? []
        : [
            `llama.cpp makes one token of 2 × 2 patches, and this model one of ${tower.spatialMergeSize} × ${tower.spatialMergeSize}.`,
          ]),
      ...(family.obstacles ?? []),
    ],
  };
}

function towerPlaces(family: QwenGguf, name: string): readonly GgufPlace[] | null {
  if (!name.startsWith(`${VISION}.`)) return null;
  const [, part, what] = name.slice(VISION.length + 1).match(/^(.+)\.(weight|bias)$/) ?? [];
  if (part === undefined || what === undefined) return null;
  if (part === 'patch_embed.proj') return what === 'bias' ? [exactPlace('v.patch_embd.bias')] : frames(family.tower);
  const [, block, inner] = part.match(/^blocks\.(\d+)\.(.+)$/) ?? [];
  if (inner === 'attn.qkv' && family.splitQkv) return thirds(family.tower.hiddenSize, `v.blk.${block}.attn_`, what);
  const to = family.names[inner === undefined ? part : `blocks.{}.${inner}`]?.replace('{}', block ?? '');
  if (to === undefined) return family.other?.(part, what) ?? null;
  return /ln\d?$/.test(to) ? [exactPlace(`${to}.${what}`)] : [linearPlace(to, what)];
}

/** The convolution over two frames as two over one: llama.cpp adds them up. */
function frames({ hiddenSize, inChannels, temporalPatchSize, patchSize }: QwenTower): readonly GgufPlace[] {
  const plane = patchSize ** 2;
  return ['v.patch_embd.weight', 'v.patch_embd.weight.1'].map((name, frame) => ({
    ...exactPlace(name),
    columns: Array.from(
      { length: inChannels * plane },
      (_, i) => (Math.floor(i / plane) * temporalPatchSize + frame) * plane + (i % plane),
    ),
    shape: [hiddenSize, inChannels, patchSize, patchSize],
  }));
}

const thirds = (size: number, prefix: string, what: string): readonly GgufPlace[] =>
  ['q', 'k', 'v'].map((part, i) => ({
    ...linearPlace(`${prefix}${part}`, what),
    rows: { from: i * size, count: size },
  }));

/** Names that all towers share. */
export const QWEN_TOWER: Readonly<Record<string, string>> = {
  'blocks.{}.norm1': 'v.blk.{}.ln1',
  'blocks.{}.norm2': 'v.blk.{}.ln2',
  'blocks.{}.attn.qkv': 'v.blk.{}.attn_qkv',
  'blocks.{}.attn.proj': 'v.blk.{}.attn_out',
};

/** Of Qwen2-VL and Qwen2.5-VL. */
export const QWEN2_MERGER: Readonly<Record<string, string>> = {
  'merger.ln_q': 'v.post_ln',
  'merger.mlp.0': 'mm.0',
  'merger.mlp.2': 'mm.2',
};
