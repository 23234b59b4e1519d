"""LoRA adapters as PEFT writes them, with A and B both random: a zero B would leave A without a gradient."""

import json
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file

from .files import write_json, write_tensors


def write_adapter(folder: Path, model, settings: dict, seed: int) -> None:
    """`settings` are LoraConfig's fields. The model is consumed."""
    folder.mkdir(parents=True, exist_ok=True)
    peft_model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(peft_model.named_parameters()):
            if "lora_A" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=random) / parameter.shape[1] ** 0.5)
            elif "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.15)
            elif "lora_magnitude" in name:  # as initialised they are the rows' norms, which would hide a reader without them
                parameter.mul_(1 + 0.3 * torch.randn(parameter.shape, generator=random))
    peft_model.save_pretrained(folder)
    (folder / "README.md").unlink()
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "checkpoint"
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()  # PEFT writes a set
    write_json(folder / "adapter_config.json", config)
    write_tensors(folder / "adapter_model.safetensors", load_file(folder / "adapter_model.safetensors"))


def load_adapter(model, folder: Path) -> PeftModel:
    """The adapter on its base, trainable, in evaluation mode (no dropout)."""
    return PeftModel.from_pretrained(model, folder, is_trainable=True).eval()


def stored_name(name: str) -> str:
    """A parameter's name in memory → its key in adapter_model.safetensors."""
    return name.replace(".lora_magnitude_vector.default.weight", ".lora_magnitude_vector").replace(".default.weight", ".weight")
