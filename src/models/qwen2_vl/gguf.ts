/** Qwen2-VL in llama.cpp. */
import type { GgufFamily } from '../gguf.ts';
import { QWEN2_MERGER, qwenGguf, QWEN_TOWER, type QwenTower } from '../qwen/gguf.ts';
import type { QwenText } from '../qwen/text.ts';

/** Without a word on the activation llama.cpp takes QuickGELU, which is this family's. */
export const qwen2Gguf = (text: QwenText, tower: QwenTower): GgufFamily =>
  qwenGguf({
    architecture: 'qwen2vl',
    projector: 'qwen2vl_merger',
    text,
    tower,
    imageSize: 40 * tower.patchSize,
    mmproj: {},
    splitQkv: true,
    names: {
      ...QWEN_TOWER,
      ...QWEN2_MERGER,
      'blocks.{}.mlp.fc1': 'v.blk.{}.ffn_up',
      'blocks.{}.mlp.fc2': 'v.blk.{}.ffn_down',
    },
  });
