"""The golden cases: which checkpoint, adapter, pictures and words each one has, and what it is there for."""

from . import qwen2_5_vl, qwen2_vl, qwen3_vl, smolvlm
from .case import Case

CASES: list[Case] = [*qwen2_5_vl.CASES, *qwen2_vl.CASES, *qwen3_vl.CASES, *smolvlm.CASES]
