"""Does the Python world load what we exported, and compute the same?

    python -m tools.reference.check_export --base DIR --adapter DIR --merged DIR --ours FILE.safetensors [--case DIR]

`ours` holds our `input_ids` [T] and `logits` [T, V] for base + adapter. When the prompt has pictures it also holds
`pixel_values` [patches, d] and `image_grid_thw` (SmolVLM and Idefics3 do without the grid, and take tiles [n, 3, h, w] as
well), or --case names the case folder (its case.json and images) they came from. The family is the base's.
Prints one line per check; the exit status is 1 if any check failed.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftConfig, PeftModel
from safetensors import safe_open
from safetensors.torch import load_file

from .adapters import stored_name
from .checkpoint import load_model
from .families import family_of
from .families.family import Pictures
from .processing import Inputs, Processor

LOGITS_TOLERANCE = 1e-3  # ‖ours − theirs‖ / ‖theirs‖, float32 against float32
# What rounding the merged weights to their stored type may cost: per weight, and in the logits.
WEIGHT_ROUNDING = {"F32": 1e-6, "F16": 2**-11, "BF16": 2**-8}
LOGITS_ROUNDING = {"F32": 1e-4, "F16": 1e-2, "BF16": 1e-1}


@dataclass
class Check:
    name: str
    passed: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.passed else 'FAIL'} {self.name}: {self.detail}"


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    return ((ours.double() - theirs.double()).norm() / theirs.double().norm().clamp(min=1e-30)).item()


def read_inputs(ours: dict[str, torch.Tensor], base: Path, case: Path | None, image_id: int) -> dict:
    ids = ours["input_ids"].long()
    types = (ids == image_id).int()
    pictures = _read_pictures(ours, base, case) if types.any() else None
    return Inputs(family_of(base), ids, types, len(ids), pictures).for_model()


def _read_pictures(ours: dict[str, torch.Tensor], base: Path, case: Path | None) -> Pictures:
    if "pixel_values" in ours:
        return Pictures(family_of(base).stored_fields(base, ours), texts=[])
    if case is None:
        sys.exit("the prompt has pictures: put pixel_values (and image_grid_thw) into --ours, or name a --case")
    wanted = json.loads((case / "case.json").read_text())
    return Processor(base, wanted.get("processor"))(case, wanted["messages"], wanted.get("completion")).pictures


@torch.no_grad()
def logits_of(model, inputs: dict) -> torch.Tensor:
    return model(**inputs).logits[0]


def check_adapter(base: Path, adapter: Path) -> tuple[PeftModel, list[Check]]:
    model = PeftModel(load_model(base), PeftConfig.from_pretrained(adapter))
    result = model.load_adapter(adapter, "default", is_trainable=False)
    model.eval()
    missing = [key for key in result.missing_keys if "lora_" in key]
    unexpected = list(result.unexpected_keys)
    in_memory = {stored_name(name) for name, _ in model.named_parameters() if "lora_" in name}
    in_file = set(load_file(adapter / "adapter_model.safetensors"))
    some = lambda keys: f"{len(keys)}, such as {sorted(keys)[0]}" if keys else "none"
    return model, [
        Check("adapter keys missing", not missing, some(missing)),
        Check("adapter keys unexpected", not unexpected, some(unexpected)),
        Check("adapter names", in_file == in_memory and bool(in_file), f"{len(in_file & in_memory)} of {len(in_memory)} match"),
    ]


def stored_type(folder: Path) -> str:
    """The narrowest type among the folder's weights."""
    types = set()
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            types |= {tensors.get_slice(name).get_dtype() for name in tensors.keys()}
    return next(kind for kind in ("BF16", "F16", "F32") if kind in types)


def _untie(model: PeftModel) -> None:
    """A head with an adapter gets weights of its own, as PEFT advises: its merge would change a tied embedding, too."""
    base = model.get_base_model()
    head, embedding = base.lm_head, base.get_input_embeddings()
    if hasattr(head, "base_layer") and head.base_layer.weight is embedding.weight:
        head.base_layer.weight = torch.nn.Parameter(embedding.weight.clone())


def check_merged(model: PeftModel, merged: Path, with_adapter: torch.Tensor, inputs: dict) -> list[Check]:
    """`model` is consumed: PEFT merges it to have something to compare with."""
    kind = stored_type(merged)
    ours = load_model(merged)
    error = relative_error(logits_of(ours, inputs), with_adapter)
    checks = [Check("merged logits", error < LOGITS_ROUNDING[kind], f"{error:.2e} from base + adapter, stored as {kind}")]

    _untie(model)
    theirs = model.merge_and_unload(safe_merge=True).state_dict()
    worst, worst_name = 0.0, "none"
    for name, weight in ours.state_dict().items():
        difference = (weight - theirs[name]).abs() - 1e-7
        excess = (difference / (theirs[name].abs() * WEIGHT_ROUNDING[kind] + 1e-6)).max().item()
        if excess > worst:
            worst, worst_name = excess, name
    detail = f"largest difference from PEFT's merge is {worst:.2f} of the allowed, in {worst_name}"
    return checks + [Check("merged weights", worst <= 1, detail)]


def check_export(base: Path, adapter: Path, merged: Path | None, ours_file: Path, case: Path | None = None) -> list[Check]:
    ours = load_file(ours_file)
    model, checks = check_adapter(base, adapter)
    inputs = read_inputs(ours, base, case, model.config.image_token_id)
    theirs = logits_of(model, inputs)
    error = relative_error(ours["logits"], theirs)
    checks.append(Check("logits", error < LOGITS_TOLERANCE, f"{error:.2e} from transformers + PEFT"))
    if merged is not None:
        checks += check_merged(model, merged, theirs, inputs)
    return checks


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.reference.check_export", description=__doc__.split("\n")[0])
    parser.add_argument("--base", type=Path, required=True, help="the checkpoint folder the adapter was trained on")
    parser.add_argument("--adapter", type=Path, required=True, help="the exported adapter folder")
    parser.add_argument("--merged", type=Path, help="the exported merged checkpoint folder")
    parser.add_argument("--ours", type=Path, required=True, help="safetensors with our input_ids and logits")
    parser.add_argument("--case", type=Path, help="the case folder the prompt's pictures are in")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    checks = check_export(options.base, options.adapter, options.merged, options.ours, options.case)
    for check in checks:
        print(check)
    return 0 if all(check.passed for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
