"""Rebuilds fixtures: `python -m tools.reference.build [NAME…]`; without a name, all of them."""

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
from .fixtures import grpo, images, ops, optimizer, peft_matching, positions, text

STEPS = {
    **{case.name: (lambda case=case: build_case(case)) for case in CASES},
    "ops": ops.build,
    "resize": images.build_resize,
    "smart-resize": images.build_smart_resize,
    "chat-template": text.build_chat_template,
    "tokenizer": text.build_tokenizer_cases,
    "window-index": positions.build_window_index,
    "rope-index": positions.build_rope_index,
    "peft-matching": peft_matching.build,
    "grpo-arithmetic": grpo.build,
    "schedules": optimizer.build_schedules,
    "adamw": optimizer.build_adamw,
}


def main(names: list[str]) -> None:
    unknown = set(names) - set(STEPS)
    if unknown:
        sys.exit(f"no such fixture: {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    torch.set_num_threads(1)  # the order of sums, and so the last bits, depends on it
    torch.use_deterministic_algorithms(True)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    transformers.utils.logging.disable_progress_bar()
    for name in names or STEPS:
        print(name, flush=True)
        STEPS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
