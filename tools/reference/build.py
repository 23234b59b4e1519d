"""Rebuilds fixtures: `python -m tools.reference.build [NAME…]`. A family names all its cases; no name, everything."""

import logging
import os
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is ever fetched
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import torch
import transformers

from .build_cases import build_case
from .cases import CASES
from .fixtures import (
    adapter_merging,
    checkpoint_merging,
    defaults,
    distillation,
    grpo,
    images,
    imports,
    ops,
    optimizer,
    peft_matching,
    picture_budgets,
    picture_files,
    positions,
    preferences,
    quantised,
    qwen_tokenizer,
    text,
)

STEPS = {
    **{case.place: (lambda case=case: build_case(case)) for case in CASES},
    "ops": ops.build,
    "resize": images.build_resize,
    "pictures": picture_files.build,
    "picture-budgets": picture_budgets.build,
    "smart-resize": images.build_smart_resize,
    "smart-resize-qwen3": images.build_smart_resize_qwen3,
    "smolvlm-tiles": images.build_smolvlm_tiles,
    "chat-template": text.build_chat_template,
    "chat-template-families": text.build_chat_template_families,
    "tokenizer": text.build_tokenizer_cases,
    "qwen-tokenizer": qwen_tokenizer.build,
    "window-index": positions.build_window_index,
    "rope-index": positions.build_rope_index,
    "qwen3-positions": positions.build_qwen3_positions,
    "smolvlm-positions": positions.build_smolvlm_positions,
    "peft-matching": peft_matching.build,
    "imports": imports.build,
    "adapter-merging": adapter_merging.build,
    "preferences": preferences.build,
    "distillation": distillation.build,
    "checkpoint-merging": checkpoint_merging.build,
    "quantised": quantised.build,
    "grpo-arithmetic": grpo.build,
    "schedules": optimizer.build_schedules,
    "adamw": optimizer.build_adamw,
    "defaults": defaults.build,
}


def steps_named(name: str) -> list[str]:
    found = [step for step in STEPS if step == name or step.startswith(f"{name}/")]
    return found or sys.exit(f"no such fixture: {name}; there are {', '.join(STEPS)}")


def main(names: list[str]) -> None:
    steps = [step for name in names for step in steps_named(name)] if names else list(STEPS)
    torch.set_num_threads(1)  # the order of sums, and so the last bits, depends on it
    torch.use_deterministic_algorithms(True)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    transformers.utils.logging.disable_progress_bar()
    for step in steps:
        print(step, flush=True)
        STEPS[step]()


if __name__ == "__main__":
    main(sys.argv[1:])
