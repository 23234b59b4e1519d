"""A case's messages, pictures and completion → the tensors transformers computes on."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from transformers import AutoTokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

# The PIL processor is named outright: with torchvision installed AutoImageProcessor would pick the torch one.
ImageProcessor = Qwen2VLImageProcessorPil

END_OF_TURN = "<|im_end|>"
IMAGE = "<|image_pad|>"
PLACEHOLDERS = [IMAGE, "<|video_pad|>"]  # what a continuation may not contain: there is no picture to put there
OTHER_VISION_TOKENS = ["<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"]


@dataclass
class Inputs:
    input_ids: torch.Tensor  # [T], image tokens expanded
    token_types: torch.Tensor  # [T], 1 at image tokens
    prompt_length: int
    pixel_values: torch.Tensor | None  # [patches, channels · frames · patch · patch]
    grid: torch.Tensor | None  # [images, 3]: frames, rows, columns of patches

    def for_model(self, prompt_only: bool = False) -> dict:
        end = self.prompt_length if prompt_only else len(self.input_ids)
        ids = self.input_ids[None, :end]
        fields = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if self.grid is not None:
            fields |= {
                "pixel_values": self.pixel_values,
                "image_grid_thw": self.grid,
                "mm_token_type_ids": self.token_types[None, :end],
            }
        return fields


class Processor:
    """Tokenizer, template and image processor of one checkpoint folder."""

    def __init__(self, checkpoint: Path, overrides: dict | None = None):
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        template = checkpoint / "chat_template.json"
        if template.exists():
            self.tokenizer.chat_template = json.loads(template.read_text())["chat_template"]
        self.images = ImageProcessor.from_pretrained(checkpoint, **(overrides or {}))
        self.image_id = self.tokenizer.convert_tokens_to_ids(IMAGE)

    def ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def prompt_text(self, messages: list) -> str:
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def __call__(self, case_folder: Path, messages: list, completion: str | None) -> Inputs:
        parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
        paths = [part["image"] for part in parts if part["type"] == "image"]
        pixels = grid = None
        counts = []
        if paths:
            batch = self.images([Image.open(case_folder / path) for path in paths], return_tensors="pt")
            pixels, grid = batch["pixel_values"], batch["image_grid_thw"]
            counts = (grid.prod(-1) // self.images.merge_size**2).tolist()

        pieces = self.prompt_text(messages).split(IMAGE)
        assert len(pieces) == len(counts) + 1
        prompt = pieces[0] + "".join(IMAGE * count + piece for count, piece in zip(counts, pieces[1:]))
        prompt_ids = self.ids(prompt)
        answer = "" if completion is None else completion + END_OF_TURN
        ids = prompt_ids + self.ids(answer)
        assert ids == self.ids(prompt + answer), "the completion merges with the prompt: choose another first character"
        ids = torch.tensor(ids)
        return Inputs(ids, (ids == self.image_id).int(), len(prompt_ids), pixels, grid)
