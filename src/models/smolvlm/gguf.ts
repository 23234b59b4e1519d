/** SmolVLM and Idefics3 in llama.cpp: a Llama and SigLIP, whose pictures are always cut into tiles. */
import { bool, u32 } from '../../formats/gguf.ts';
import type { DecoderLayout } from '../decoder-manifest.ts';
import {
  decoderMetadata,
  decoderObstacles,
  decoderPlaces,
  exactPlace,
  linearPlace,
  towerMetadata,
  type DecoderFacts,
  type GgufFamily,
  type GgufPlace,
} from '../gguf.ts';
import { positionBuckets, type SmolVisionShape } from './vision.ts';

const VISION = 'model.vision_model';

const LAYER: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.out_proj': 'attn_out',
  'mlp.fc1': 'ffn_up',
  'mlp.fc2': 'ffn_down',
  layer_norm1: 'ln1',
  layer_norm2: 'ln2',
};

export function smolGguf(decoder: DecoderLayout, facts: DecoderFacts, tower: SmolVisionShape): GgufFamily {
  const text = decoderPlaces(decoder, true);
  const { rope } = facts;
  return {
    architecture: 'llama',
    text: decoderMetadata('llama', decoder, facts),
    mmproj: {
      ...towerMetadata('idefics3', { ...tower, depth: tower.layers }),
      'clip.use_gelu': bool(true),
      'clip.vision.projector.scale_factor': u32(tower.scaleFactor),
    },
    ...(rope.stretch === 'llama3' && { ropeFactors: rope.plain.map((f, i) => f / rope.frequencies[i]!) }),
    pictures: ({ maxPixels, imageSplitting = true }) => {
      const longest = Math.round(Math.sqrt(maxPixels));
      return {
        metadata: { 'clip.vision.preproc_image_size': u32(longest) },
        obstacles:
          imageSplitting && longest > tower.imageSize
            ? []
            : ['llama.cpp always cuts this family’s pictures into tiles, and this model sees them whole.'],
      };
    },
    places: (name) => text(name) ?? towerPlaces(tower, name),
    obstacles: decoderObstacles('llama', decoder, facts, true),
  };
}

function towerPlaces(tower: SmolVisionShape, name: string): readonly GgufPlace[] | null {
  const [, part, what] = name.match(/^(.+)\.(weight|bias)$/) ?? [];
  if (part === undefined || what === undefined) return null;
  if (part === 'model.connector.modality_projection.proj') return [linearPlace('mm.model.fc', what)];
  if (part === `${VISION}.embeddings.patch_embedding`) return [exactPlace(`v.patch_embd.${what}`)];
  if (part === `${VISION}.embeddings.position_embedding`) return [positions(tower)];
  if (part === `${VISION}.post_layernorm`) return [exactPlace(`v.post_ln.${what}`)];
  const [, layer, inner] = part.match(/^model\.vision_model\.encoder\.layers\.(\d+)\.(.+)$/) ?? [];
  const to = inner === undefined ? undefined : LAYER[inner];
  if (to === undefined) return null;
  const full = `v.blk.${layer}.${to}`;
  return to.startsWith('ln') ? [exactPlace(`${full}.${what}`)] : [linearPlace(full, what)];
}

/** llama.cpp counts positions straight on; what `positionBuckets` moves is moved in the table instead. */
function positions({ imageSize, patchSize, dtype }: SmolVisionShape): GgufPlace {
  const side = Math.floor(imageSize / patchSize);
  const bucket = positionBuckets(side, dtype);
  const picked = bucket.flatMap((row) => bucket.map((column) => row * side + column));
  return { ...exactPlace('v.position_embd.weight'), picked };
}
