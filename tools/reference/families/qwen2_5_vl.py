"""Qwen2.5-VL: a vision tower most of whose blocks see windows only."""

from dataclasses import dataclass

from transformers import Qwen2_5_VLForConditionalGeneration

from .family import Checkpoint
from .qwen import TOOLS_AND_CODE, LegacyQwen, qwen_vocabulary


@dataclass
class Vision:
    hidden: int
    heads: int
    depth: int
    ffn: int
    full_attention: list[int]  # blocks that attend over a whole image; the others stay inside windows
    window: int = 112  # pixels
    patch: int = 14
    merge: int = 2  # so many patches, across and down, make one token


class Qwen25VL(LegacyQwen):
    name = folder = "qwen2_5_vl"
    vocabulary = qwen_vocabulary(TOOLS_AND_CODE)
    model_class = Qwen2_5_VLForConditionalGeneration
    processor_class = "Qwen2_5_VLProcessor"

    def vision_json(self, spec: Checkpoint) -> dict:
        vision = spec.vision
        return {
            "depth": vision.depth,
            "hidden_act": "silu",
            "hidden_size": vision.hidden,
            "intermediate_size": vision.ffn,
            "num_heads": vision.heads,
            "out_hidden_size": spec.text.hidden,
            "patch_size": vision.patch,
            "spatial_merge_size": vision.merge,
            "temporal_patch_size": 2,
            "tokens_per_second": 2,
            "window_size": vision.window,
            "fullatt_block_indexes": vision.full_attention,
        }


QWEN2_5_VL = Qwen25VL()
