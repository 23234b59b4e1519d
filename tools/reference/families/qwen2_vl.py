"""Qwen2-VL: every block of the vision tower sees the whole picture. `hidden_size` there is the text model's width."""

from dataclasses import dataclass

from transformers import Qwen2VLForConditionalGeneration

from .family import Checkpoint
from .qwen import LegacyQwen, qwen_vocabulary


@dataclass
class Vision:
    embed: int
    heads: int
    depth: int
    mlp_ratio: int
    patch: int = 14
    merge: int = 2  # so many patches, across and down, make one token


class Qwen2VL(LegacyQwen):
    name = folder = "qwen2_vl"
    vocabulary = qwen_vocabulary([])
    model_class = Qwen2VLForConditionalGeneration
    processor_class = "Qwen2VLProcessor"

    def vision_json(self, spec: Checkpoint) -> dict:
        vision = spec.vision
        activation = {} if spec.layout == "legacy" else {"hidden_act": "quick_gelu"}  # on the Hub it goes without saying
        return {
            "depth": vision.depth,
            "embed_dim": vision.embed,
            **activation,
            "hidden_size": spec.text.hidden,
            "mlp_ratio": vision.mlp_ratio,
            "num_heads": vision.heads,
            "patch_size": vision.patch,
            "spatial_merge_size": vision.merge,
            "temporal_patch_size": 2,
        }


QWEN2_VL = Qwen2VL()
