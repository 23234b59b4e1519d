/** Qwen2.5-VL in llama.cpp, which fixes the windows' side and knows one pattern of blocks that see the whole picture. */
import { bool, u32 } from '../../formats/gguf.ts';
import type { GgufFamily } from '../gguf.ts';
import { QWEN2_MERGER, qwenGguf, QWEN_TOWER } from '../qwen/gguf.ts';
import type { QwenText } from '../qwen/text.ts';
import type { VisionShape } from './config.ts';

/** Pixels of a window's side. */
const WINDOW = 112;

export function qwen25Gguf(text: QwenText, tower: VisionShape): GgufFamily {
  const whole = tower.fullAttentionBlocks;
  const every = (whole[0] ?? tower.depth) + 1;
  const expected = Array.from({ length: tower.depth }, (_, i) => i).filter((i) => (i + 1) % every === 0);
  return qwenGguf({
    architecture: 'qwen2vl',
    projector: 'qwen2.5vl_merger',
    text,
    tower,
    imageSize: 40 * tower.patchSize,
    mmproj: { 'clip.use_silu': bool(true), 'clip.vision.n_wa_pattern': u32(every) },
    splitQkv: true,
    obstacles: [
      ...(tower.windowSize === WINDOW
        ? []
        : [`llama.cpp fixes attention windows of ${WINDOW} pixels, and this model’s are of ${tower.windowSize}.`]),
      ...(whole.length > 0 && expected.join() === [...whole].sort((a, b) => a - b).join()
        ? []
        : [
            `llama.cpp takes every nth block to see the whole picture, and in this model these are ${whole.join(', ') || 'none'} (counted from 0) of ${tower.depth}.`,
          ]),
    ],
    names: {
      ...QWEN_TOWER,
      ...QWEN2_MERGER,
      'blocks.{}.mlp.gate_proj': 'v.blk.{}.ffn_gate',
      'blocks.{}.mlp.up_proj': 'v.blk.{}.ffn_up',
      'blocks.{}.mlp.down_proj': 'v.blk.{}.ffn_down',
    },
  });
}
