"""Writes one golden case: its inputs first, then what the reference computes from the files just written."""

import copy
import shutil
from pathlib import Path

import torch

from .adapters import load_adapter, write_adapter
from .cases.case import Case
from .checkpoint import load_model, write_checkpoint
from .compute import forward_and_backward, greedy
from .files import GOLDEN, fresh_folder, write_json, write_png, write_tensors
from .pictures import picture
from .policy import compute_policy
from .processing import Processor


def case_json(case: Case) -> dict:
    value = {"about": case.about, "messages": case.messages}
    if case.completion is not None:
        value["completion"] = case.completion
    if case.processor:
        value["processor"] = case.processor
    if case.max_new_tokens:
        value["generate"] = {"max_new_tokens": case.max_new_tokens}
    if case.policy:
        value["policy"] = case.policy
    return value


def build_case(case: Case) -> Path:
    """Built aside and moved into place when complete: a half-written case is never seen."""
    folder = GOLDEN / case.place
    aside = fresh_folder(folder.parent / f".{case.name}")
    # Of a checkpoint in codes the reference loads the values they stand for.
    source = aside / ("plain" if case.checkpoint.codes else "checkpoint")
    _write_inputs(aside, case, source)
    write_tensors(aside / "expected.safetensors", _compute_expected(aside, case, source))
    shutil.rmtree(aside / "plain", ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    return aside.rename(folder)


def _write_inputs(folder: Path, case: Case, source: Path) -> None:
    seed = case.checkpoint.seed
    write_checkpoint(folder / "checkpoint", case.checkpoint)
    if case.checkpoint.codes:
        write_checkpoint(source, case.checkpoint, plain=True)
    for i, (name, (width, height)) in enumerate(case.pictures.items()):
        write_png(folder / "images" / name, picture(width, height, seed * 100 + i))
    write_json(folder / "case.json", case_json(case))
    write_adapter(folder / "adapter", load_model(source), copy.deepcopy(case.adapter), seed + 1)


def _compute_expected(folder: Path, case: Case, source: Path) -> dict[str, torch.Tensor]:
    model = load_adapter(load_model(source), folder / "adapter")
    processor = Processor(source, case.processor)
    inputs = processor(folder, case.messages, case.completion)
    expected = forward_and_backward(model, inputs)
    for key in case.left_out:
        expected.pop(key)
    if case.max_new_tokens:
        expected["generated"] = greedy(model, processor, inputs, case.max_new_tokens)
    if case.policy:
        expected |= compute_policy(case, folder, processor, inputs)
    return expected
