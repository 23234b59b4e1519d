"""A case's messages, pictures and completion → the tensors transformers computes on."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from .families import family_of
from .families.family import Family, Pictures


@dataclass
class Inputs:
    family: Family
    input_ids: torch.Tensor  # [T], image tokens expanded
    token_types: torch.Tensor  # [T], 1 at image tokens
    prompt_length: int
    pictures: Pictures | None

    def for_model(self, prompt_only: bool = False) -> dict:
        end = self.prompt_length if prompt_only else len(self.input_ids)
        ids = self.input_ids[None, :end]
        fields = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if self.pictures is not None:
            fields |= self.pictures.fields
            if self.family.token_types:
                fields["mm_token_type_ids"] = self.token_types[None, :end]
        return fields


class Processor:
    """Tokenizer, template and image processor of one checkpoint folder."""

    def __init__(self, checkpoint: Path, overrides: dict | None = None):
        self.checkpoint = checkpoint
        self.overrides = overrides or {}
        self.family = family_of(checkpoint)
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        template = checkpoint / "chat_template.json"
        if template.exists():
            self.tokenizer.chat_template = json.loads(template.read_text())["chat_template"]
        self.image_id = self.tokenizer.convert_tokens_to_ids(self.family.image_token)

    def ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def prompt_text(self, messages: list) -> str:
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def __call__(self, case_folder: Path, messages: list, completion: str | None) -> Inputs:
        parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
        images = [Image.open(case_folder / part["image"]) for part in parts if part["type"] == "image"]
        pictures = self.family.read_pictures(self.checkpoint, self.overrides, images) if images else None
        texts = pictures.texts if pictures else []

        pieces = self.prompt_text(messages).split(self.family.image_token)
        assert len(pieces) == len(texts) + 1
        prompt = pieces[0] + "".join(text + piece for text, piece in zip(texts, pieces[1:]))
        prompt_ids = self.ids(prompt)
        answer = "" if completion is None else completion + self.family.end_of_turn
        ids = prompt_ids + self.ids(answer)
        assert ids == self.ids(prompt + answer), "the completion merges with the prompt: choose another first character"
        as_in_file = Tokenizer.from_file(str(self.checkpoint / "tokenizer.json"))
        same = ids == as_in_file.encode(prompt + answer, add_special_tokens=False).ids
        assert same, "transformers' tokenizer class does something that tokenizer.json does not say"
        ids = torch.tensor(ids)
        return Inputs(self.family, ids, (ids == self.image_id).int(), len(prompt_ids), pictures)
