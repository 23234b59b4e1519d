"""The model families, by model_type."""

import json
from pathlib import Path

from .family import Family
from .qwen2_5_vl import QWEN2_5_VL
from .qwen2_vl import QWEN2_VL
from .qwen3_vl import QWEN3_VL
from .smolvlm import IDEFICS3, SMOLVLM

FAMILIES: dict[str, Family] = {
    family.name: family for family in (QWEN2_5_VL, QWEN2_VL, QWEN3_VL, SMOLVLM, IDEFICS3)
}


def family_of(checkpoint: Path) -> Family:
    return FAMILIES[json.loads((checkpoint / "config.json").read_text())["model_type"]]
