"""Small random Qwen2.5-VL checkpoints in the layouts that published ones come in.

Two generations of layout exist: "legacy" (flat config.json, keys `visual.*` and `model.layers.*`: what the Hub
has) and "nested" (text_config, keys `model.visual.*` and `model.language_model.*`: what transformers 5 writes).
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from .files import write_json, write_tensors
from .vocabulary import token_id, write_tokenizer

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
VOCABULARY_ROWS = 352  # more than the tokenizer's 344 entries, as in the published models

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass
class Text:
    hidden: int
    heads: int
    kv_heads: int
    layers: int
    ffn: int
    mrope_section: list[int]  # frequencies for time, height, width; together half a head
    rope_theta: float = 1e6
    eps: float = 1e-6


@dataclass
class Vision:
    hidden: int
    heads: int
    depth: int
    ffn: int
    full_attention: list[int]  # blocks that attend over a whole image; the others stay inside windows
    window: int = 112  # pixels
    patch: int = 14


@dataclass
class Checkpoint:
    text: Text
    vision: Vision
    seed: int
    dtype: str = "float32"
    tied: bool = False
    layout: str = "legacy"  # or "nested"
    shards: int = 1
    template_in: str = "jinja"  # see vocabulary.write_tokenizer
    pixel_limits: tuple[int, int] = (3136, 12544)
    limits_as: str = "pixels"  # min_pixels/max_pixels, or "size": shortest_edge/longest_edge


def config_json(spec: Checkpoint) -> dict:
    text, vision = spec.text, spec.vision
    tokens = {
        "vision_start_token_id": token_id("<|vision_start|>"),
        "vision_end_token_id": token_id("<|vision_end|>"),
        "vision_token_id": token_id("<|vision_pad|>"),
        "image_token_id": token_id("<|image_pad|>"),
        "video_token_id": token_id("<|video_pad|>"),
    }
    text_fields = {
        "attention_dropout": 0.0,
        "bos_token_id": token_id("<|endoftext|>"),
        "eos_token_id": token_id("<|im_end|>"),
        "hidden_act": "silu",
        "hidden_size": text.hidden,
        "initializer_range": 0.02,
        "intermediate_size": text.ffn,
        "max_position_embeddings": 4096,
        "max_window_layers": text.layers,
        "num_attention_heads": text.heads,
        "num_hidden_layers": text.layers,
        "num_key_value_heads": text.kv_heads,
        "rms_norm_eps": text.eps,
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": VOCABULARY_ROWS,
    }
    vision_fields = {
        "depth": vision.depth,
        "hidden_act": "silu",
        "hidden_size": vision.hidden,
        "intermediate_size": vision.ffn,
        "num_heads": vision.heads,
        "out_hidden_size": text.hidden,
        "patch_size": vision.patch,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "tokens_per_second": 2,
        "window_size": vision.window,
        "fullatt_block_indexes": vision.full_attention,
    }
    head = {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl"}
    if spec.layout == "legacy":
        return {
            **head,
            **text_fields,
            **tokens,
            "rope_theta": text.rope_theta,
            "rope_scaling": {"type": "mrope", "mrope_section": text.mrope_section},
            "sliding_window": 32768,
            "tie_word_embeddings": spec.tied,
            "torch_dtype": spec.dtype,
            "transformers_version": "4.41.2",
            "vision_config": {**vision_fields, "in_chans": 3, "spatial_patch_size": vision.patch},
        }
    return {
        **head,
        **tokens,
        "dtype": spec.dtype,
        "tie_word_embeddings": spec.tied,
        "transformers_version": "5.18.0",
        "text_config": {
            **text_fields,
            "dtype": spec.dtype,
            "layer_types": ["full_attention"] * text.layers,
            "model_type": "qwen2_5_vl_text",
            "rope_parameters": {
                "mrope_section": text.mrope_section,
                "rope_theta": text.rope_theta,
                "rope_type": "default",
            },
            "sliding_window": None,
        },
        "vision_config": {
            **vision_fields,
            "dtype": spec.dtype,
            "in_channels": 3,
            "initializer_range": 0.02,
            "model_type": "qwen2_5_vl_vision",
        },
    }


def preprocessor_json(spec: Checkpoint) -> dict:
    low, high = spec.pixel_limits
    limits = (
        {"min_pixels": low, "max_pixels": high}
        if spec.limits_as == "pixels"
        else {"size": {"shortest_edge": low, "longest_edge": high}, "do_resize": True, "resample": 3}
    )
    return {
        **limits,
        "patch_size": spec.vision.patch,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
    }


def _random_weight(name: str, shape: torch.Size, tied: bool, random: torch.Generator) -> torch.Tensor:
    """Large enough that every term shows: biases, uneven norms, attention that is not flat, logits with a winner."""
    noise = torch.randn(shape, generator=random)
    if name.endswith("bias"):
        return noise * 0.2
    if len(shape) == 1:  # a norm
        return 1 + noise * 0.15
    if "embed_tokens" in name:
        return noise * (2.5 / math.sqrt(shape[1]) if tied else 0.6)
    gain = 2.5 if "lm_head" in name else 1.5 if any(part in name for part in ("q_proj", "k_proj", "qkv")) else 1.0
    return noise * (gain / math.sqrt(math.prod(shape[1:])))


def random_weights(spec: Checkpoint) -> dict[str, torch.Tensor]:
    """Tensors by their name in transformers' module tree, in the stored dtype."""
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config_json(spec)))
    shapes = {name: tensor.shape for name, tensor in sorted(model.state_dict().items())}
    if spec.tied:
        del shapes["lm_head.weight"]
    random = torch.Generator().manual_seed(spec.seed)
    weights = {name: _random_weight(name, shape, spec.tied, random) for name, shape in shapes.items()}
    return {name: weight.to(DTYPES[spec.dtype]) for name, weight in weights.items()}


def legacy_name(name: str) -> str:
    return name.replace("model.visual.", "visual.", 1).replace("model.language_model.", "model.", 1)


def write_checkpoint(folder: Path, spec: Checkpoint) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config_json(spec))
    write_json(folder / "preprocessor_config.json", preprocessor_json(spec))
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": token_id("<|endoftext|>"),
            "eos_token_id": [token_id("<|im_end|>"), token_id("<|endoftext|>")],
            "pad_token_id": token_id("<|endoftext|>"),
            "transformers_version": "5.18.0",
        },
    )
    write_tokenizer(folder, spec.template_in)

    weights = random_weights(spec)
    if spec.layout == "legacy":
        weights = {legacy_name(name): weight for name, weight in weights.items()}
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


def load_model(folder: Path) -> Qwen2_5_VLForConditionalGeneration:
    """The checkpoint as transformers loads it: stored values upcast to float32, eager attention."""
    model, report = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[kind], f"{folder}: {kind} {report[kind]}"
    return model.eval()
