/** Qwen3-VL in llama.cpp: a level of DeepStack is named after the block that it is taken from. */
import { bool, u32 } from '../../formats/gguf.ts';
import { exactPlace, linearPlace, type GgufFamily, type GgufPlace } from '../gguf.ts';
import { qwenGguf, QWEN_TOWER } from '../qwen/gguf.ts';
import type { QwenText } from '../qwen/text.ts';
import type { Qwen3VisionShape } from './vision.ts';

export const qwen3Gguf = (text: QwenText, tower: Qwen3VisionShape): GgufFamily =>
  qwenGguf({
    architecture: 'qwen3vl',
    projector: 'qwen3vl_merger',
    text,
    tower,
    imageSize: tower.positionSide * tower.patchSize,
    metadata: { 'qwen3vl.n_deepstack_layers': u32(tower.deepstackBlocks.length) },
    mmproj: {
      'clip.use_gelu': bool(true),
      'clip.vision.is_deepstack_layers': {
        type: 'bool[]',
        value: Array.from({ length: tower.depth }, (_, i) => tower.deepstackBlocks.includes(i)),
      },
    },
    splitQkv: false,
    // Levels reach the decoder in the order of their blocks there.
    obstacles: tower.deepstackBlocks.every((block, i, all) => i === 0 || all[i - 1]! < block)
      ? []
      : ['llama.cpp takes the levels of DeepStack in the order of their blocks, and this model in another.'],
    names: {
      ...QWEN_TOWER,
      'blocks.{}.mlp.linear_fc1': 'v.blk.{}.ffn_up',
      'blocks.{}.mlp.linear_fc2': 'v.blk.{}.ffn_down',
      'merger.norm': 'v.post_ln',
      'merger.linear_fc1': 'mm.0',
      'merger.linear_fc2': 'mm.2',
    },
    other: (part, what) => deepstack(tower.deepstackBlocks, part, what),
  });

function deepstack(blocks: readonly number[], part: string, what: string): readonly GgufPlace[] | null {
  if (part === 'pos_embed') return [exactPlace('v.position_embd.weight')];
  const [, level, inner] = part.match(/^deepstack_merger_list\.(\d+)\.(norm|linear_fc1|linear_fc2)$/) ?? [];
  const block = blocks[Number(level)];
  if (block === undefined) return null;
  const prefix = `v.deepstack.${block}`;
  return inner === 'norm'
    ? [exactPlace(`${prefix}.norm.${what}`)]
    : [linearPlace(`${prefix}.${inner!.replace('linear_', '')}`, what)];
}
