"""What one model family brings: its files, its pictures, its features. All else is the same for every family."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from ..vocabulary import Vocabulary


@dataclass
class Text:
    hidden: int
    heads: int
    kv_heads: int
    layers: int
    ffn: int
    mrope_section: list[int] | None = None  # Qwen: frequencies for time, height, width; together half a head
    head_dim: int | None = None  # where a family sets it apart from hidden / heads
    rope_theta: float = 1e6
    eps: float = 1e-6
    stretch: dict | None = None  # rotary settings besides sections and base: how positions are stretched
    biased: bool = False  # attention_bias (and mlp_bias), where a family has it


@dataclass
class Checkpoint:
    family: "Family"
    text: Text
    vision: object  # the family's own
    pictures: object  # what preprocessor_config.json says of sizes: the family's own
    seed: int
    dtype: str = "float32"
    tied: bool = False
    layout: str = "legacy"  # as most published checkpoints are; or "nested", as transformers 5 writes them
    shards: int = 1
    template_in: str = "jinja"  # see Vocabulary.write
    codes: str | None = None  # how others quantised it: see codes.py
    picture_file: str | None = "preprocessor_config.json"  # or "processor_config.json", as transformers 5 saves; or none


@dataclass
class Pictures:
    """The pictures of one prompt."""

    fields: dict[str, torch.Tensor]  # arguments of the model; joining batches joins them along their first axis
    texts: list[str]  # what takes the place of each picture's one placeholder


class Family(ABC):
    name: str  # model_type
    folder: str  # of its cases, under tests/golden
    vocabulary: Vocabulary
    model_class: type
    image_token: str
    end_of_turn: str
    placeholders: list[str]  # what a continuation may not contain: there is no picture to put there
    other_vision_tokens: list[str]
    token_types = False  # whether the model is told which tokens are pictures

    def token_id(self, token: str) -> int:
        return self.vocabulary.token_id(token)

    def config(self, spec: Checkpoint):
        """The config object transformers makes of `config_json`."""
        return self.model_class.config_class(**self.config_json(spec))

    @abstractmethod
    def config_json(self, spec: Checkpoint) -> dict: ...

    @abstractmethod
    def preprocessor_json(self, spec: Checkpoint) -> dict: ...

    @abstractmethod
    def generation_json(self) -> dict: ...

    def legacy_name(self, name: str) -> str:
        """A weight's name in transformers' module tree → its key in checkpoints of the legacy layout."""
        return name

    @abstractmethod
    def read_pictures(self, checkpoint: Path, overrides: dict, pictures: list[Image.Image]) -> Pictures: ...

    def stored_pixels(self, fields: dict[str, torch.Tensor]) -> torch.Tensor:
        """`Pictures.fields` → `pixel_values` as expected.safetensors holds it."""
        return fields["pixel_values"]

    @abstractmethod
    def stored_fields(self, checkpoint: Path, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Tensors of a file → `Pictures.fields`."""

    @abstractmethod
    def positions(self, model, inputs) -> torch.Tensor: ...

    @abstractmethod
    def features(self, model, fields: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What the vision tower hands to the text model, by its key in expected.safetensors."""
