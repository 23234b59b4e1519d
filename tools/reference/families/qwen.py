"""What Qwen2-VL, Qwen2.5-VL and Qwen3-VL share: the tokenizer, pictures as patches, positions on three axes."""

from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from ..vocabulary import Vocabulary
from .family import Checkpoint, Family, Pictures, Text

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]

SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
# Since Qwen2.5.
TOOLS_AND_CODE = [
    "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
    "<|repo_name|>", "<|file_sep|>",
]  # fmt: skip

# The template published with Qwen2-VL and Qwen2.5-VL.
TEMPLATE = """\
{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}{% for message in messages %}\
{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}<|im_end|>
{% else %}{% for content in message['content'] %}\
{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}\
{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}\
<|vision_start|><|image_pad|><|vision_end|>\
{% elif content['type'] == 'video' or 'video' in content %}\
{% set video_count.value = video_count.value + 1 %}{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}\
<|vision_start|><|video_pad|><|vision_end|>\
{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def _pieces(tokenizer: Tokenizer) -> None:
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)


def qwen_vocabulary(not_special: list[str], template: str = TEMPLATE) -> Vocabulary:
    config = {
        "add_bos_token": False,
        "add_prefix_space": False,
        "additional_special_tokens": SPECIAL[1:],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
    return Vocabulary(_pieces, SPECIAL, template, config, rows=352, not_special=not_special)


@dataclass
class PixelLimits:
    low: int
    high: int
    written_as: str = "pixels"  # min_pixels/max_pixels, or "size": shortest_edge/longest_edge (areas all the same)
    more: dict = field(default_factory=dict)  # fields that are said besides


class Qwen(Family):
    image_token = "<|image_pad|>"
    end_of_turn = "<|im_end|>"
    placeholders = ["<|image_pad|>", "<|video_pad|>"]
    other_vision_tokens = ["<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"]
    token_types = True
    image_processor_type = "Qwen2VLImageProcessor"
    processor_class: str
    image_mean = CLIP_MEAN
    image_std = CLIP_STD

    def text_json(self, text: Text, **more) -> dict:
        """What every layout says of the text model, be it flat or under text_config."""
        fields = {
            "attention_dropout": 0.0,
            "bos_token_id": self.token_id("<|endoftext|>"),
            "eos_token_id": self.token_id("<|im_end|>"),
            "hidden_act": "silu",
            "hidden_size": text.hidden,
            "initializer_range": 0.02,
            "intermediate_size": text.ffn,
            "max_position_embeddings": 4096,
            "num_attention_heads": text.heads,
            "num_hidden_layers": text.layers,
            "num_key_value_heads": text.kv_heads,
            "rms_norm_eps": text.eps,
            "use_cache": True,
            "vocab_size": self.vocabulary.rows,
            **more,
        }
        return dict(sorted(fields.items()))

    def token_ids_json(self, **more) -> dict:
        return {
            "vision_start_token_id": self.token_id("<|vision_start|>"),
            "vision_end_token_id": self.token_id("<|vision_end|>"),
            **more,
            "image_token_id": self.token_id("<|image_pad|>"),
            "video_token_id": self.token_id("<|video_pad|>"),
        }

    def preprocessor_json(self, spec: Checkpoint) -> dict:
        low, high = spec.pictures.low, spec.pictures.high
        limits = (
            {"min_pixels": low, "max_pixels": high}
            if spec.pictures.written_as == "pixels"
            else {"size": {"shortest_edge": low, "longest_edge": high}, "do_resize": True, "resample": 3}
        )
        return {
            **limits,
            "patch_size": spec.vision.patch,
            "temporal_patch_size": 2,
            "merge_size": spec.vision.merge,
            "image_mean": self.image_mean,
            "image_std": self.image_std,
            "image_processor_type": self.image_processor_type,
            "processor_class": self.processor_class,
            **spec.pictures.more,
        }

    def generation_json(self) -> dict:
        return {
            "bos_token_id": self.token_id("<|endoftext|>"),
            "eos_token_id": [self.token_id("<|im_end|>"), self.token_id("<|endoftext|>")],
            "pad_token_id": self.token_id("<|endoftext|>"),
            "transformers_version": "5.18.0",
        }

    def read_pictures(self, checkpoint: Path, overrides: dict, pictures: list[Image.Image]) -> Pictures:
        # The PIL processor is named outright: with torchvision installed AutoImageProcessor would pick the torch one.
        from_folder = any((checkpoint / name).exists() for name in ("preprocessor_config.json", "processor_config.json"))
        processor = (
            Qwen2VLImageProcessorPil.from_pretrained(checkpoint, **overrides)
            if from_folder
            else Qwen2VLImageProcessorPil(**overrides)
        )
        batch = processor(pictures, return_tensors="pt")
        counts = batch["image_grid_thw"].prod(-1) // processor.merge_size**2
        return Pictures(self.stored_fields(checkpoint, batch), [self.image_token * count for count in counts.tolist()])

    def stored_fields(self, checkpoint: Path, tensors) -> dict[str, torch.Tensor]:
        grid = tensors["image_grid_thw"].long().reshape(-1, 3)
        return {"pixel_values": tensors["pixel_values"].float(), "image_grid_thw": grid}

    def positions(self, model, inputs) -> torch.Tensor:
        if inputs.pictures is None:
            length = len(inputs.input_ids)
            return torch.arange(length).expand(3, length)
        fields = inputs.for_model()
        ids, types, grid = fields["input_ids"], fields["mm_token_type_ids"], fields["image_grid_thw"]
        positions, _ = model.model.get_rope_index(ids, types, grid, attention_mask=fields["attention_mask"])
        return positions[:, 0]

    def features(self, model, fields: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        output = model.model.get_image_features(fields["pixel_values"], fields["image_grid_thw"])
        return {"image_features": torch.cat(list(output.pooler_output))}


class LegacyQwen(Qwen):
    """Qwen2-VL and Qwen2.5-VL, of which two generations of layout exist.

    "legacy": flat config.json, keys `visual.*` and `model.layers.*`: what the Hub has. "nested": text_config, keys
    `model.visual.*` and `model.language_model.*`: what transformers 5 writes.
    """

    def legacy_name(self, name: str) -> str:
        return name.replace("model.visual.", "visual.", 1).replace("model.language_model.", "model.", 1)

    def config_json(self, spec: Checkpoint) -> dict:
        text = spec.text
        tokens = self.token_ids_json(vision_token_id=self.token_id("<|vision_pad|>"))
        fields = self.text_json(text, max_window_layers=text.layers, use_sliding_window=False)
        head = {"architectures": [self.model_class.__name__], "model_type": self.name}
        vision = self.vision_json(spec)
        if spec.layout == "legacy":
            return {
                **head,
                **fields,
                **tokens,
                "rope_theta": text.rope_theta,
                "rope_scaling": {"type": "mrope", "mrope_section": text.mrope_section, **(text.stretch or {})},
                "sliding_window": 32768,
                "tie_word_embeddings": spec.tied,
                "torch_dtype": spec.dtype,
                "transformers_version": "4.41.2",
                "vision_config": {**vision, "in_chans": 3, "spatial_patch_size": spec.vision.patch},
            }
        return {
            **head,
            **tokens,
            "dtype": spec.dtype,
            "tie_word_embeddings": spec.tied,
            "transformers_version": "5.18.0",
            "text_config": {
                **fields,
                "dtype": spec.dtype,
                "layer_types": ["full_attention"] * text.layers,
                "model_type": f"{self.name}_text",
                "rope_parameters": {
                    "mrope_section": text.mrope_section,
                    "rope_theta": text.rope_theta,
                    "rope_type": "default",
                    **(text.stretch or {}),
                },
                "sliding_window": None,
            },
            "vision_config": {
                **vision,
                "dtype": spec.dtype,
                "in_channels": 3,
                "initializer_range": 0.02,
                "model_type": f"{self.name}_vision",
            },
        }

    @abstractmethod
    def vision_json(self, spec: Checkpoint) -> dict:
        """What both layouts say of the vision tower."""
