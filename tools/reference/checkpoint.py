"""Small random checkpoints in the layouts that published ones come in."""

import json
import math
from pathlib import Path

import torch

from .codes import CONFIGS, encode
from .families import family_of
from .families.family import Checkpoint
from .files import write_json, write_tensors

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def _random_weight(name: str, shape: torch.Size, tied: bool, random: torch.Generator) -> torch.Tensor:
    """Large enough that every term shows: biases, uneven norms, attention that is not flat, logits with a winner."""
    noise = torch.randn(shape, generator=random)
    if name.endswith("bias"):
        return noise * 0.2
    if len(shape) == 1:  # a norm
        return 1 + noise * 0.15
    if "embed_tokens" in name:
        return noise * (2.5 / math.sqrt(shape[1]) if tied else 0.6)
    if "pos_embed" in name or "position_embedding" in name:
        return noise * 0.6
    gain = 2.5 if "lm_head" in name else 1.5 if any(part in name for part in ("q_proj", "k_proj", "qkv")) else 1.0
    return noise * (gain / math.sqrt(math.prod(shape[1:])))


def random_weights(spec: Checkpoint) -> dict[str, torch.Tensor]:
    """Tensors by their name in transformers' module tree, in the stored dtype."""
    with torch.device("meta"):
        model = spec.family.model_class(spec.family.config(spec))
    shapes = {name: tensor.shape for name, tensor in sorted(model.state_dict().items())}
    if spec.tied:
        del shapes["lm_head.weight"]
    random = torch.Generator().manual_seed(spec.seed)
    weights = {name: _random_weight(name, shape, spec.tied, random) for name, shape in shapes.items()}
    return {name: weight.to(DTYPES[spec.dtype]) for name, weight in weights.items()}


def write_checkpoint(folder: Path, spec: Checkpoint, plain: bool = False) -> None:
    """`plain`: the values that codes stand for, in place of the codes, for the reference to load."""
    family = spec.family
    folder.mkdir(parents=True, exist_ok=True)
    config = family.config_json(spec)
    weights = random_weights(spec)
    if spec.codes:
        with torch.device("meta"):
            model = family.model_class(family.config(spec))
        stored, values = encode(weights, model, spec.codes, spec.dtype)
        weights = values if plain else stored
        if not plain:
            config |= {"quantization_config": CONFIGS[spec.codes]}
    write_json(folder / "config.json", config)
    if spec.picture_file == "processor_config.json":
        of_pictures = family.preprocessor_json(spec)
        of_all = {"image_processor": of_pictures, "processor_class": of_pictures.pop("processor_class")}
        write_json(folder / spec.picture_file, of_all)
    elif spec.picture_file:
        write_json(folder / spec.picture_file, family.preprocessor_json(spec))
    write_json(folder / "generation_config.json", family.generation_json())
    family.vocabulary.write(folder, spec.template_in)

    if spec.layout == "legacy":
        weights = {family.legacy_name(name): weight for name, weight in weights.items()}
    if spec.shards == 1:
        write_tensors(folder / "model.safetensors", weights)
        return
    names = sorted(weights)
    per_shard = math.ceil(len(names) / spec.shards)
    weight_map = {}
    for i in range(spec.shards):
        file = f"model-{i + 1:05d}-of-{spec.shards:05d}.safetensors"
        mine = names[i * per_shard : (i + 1) * per_shard]
        write_tensors(folder / file, {name: weights[name] for name in mine})
        weight_map |= dict.fromkeys(mine, file)
    total = sum(weight.nbytes for weight in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def load_model(folder: Path):
    """The checkpoint as transformers loads it: stored values upcast to float32, eager attention."""
    model, report = family_of(folder).model_class.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[kind], f"{folder}: {kind} {report[kind]}"
    return model.eval()
