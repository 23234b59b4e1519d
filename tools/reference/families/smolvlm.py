"""SmolVLM (model_type smolvlm) and SmolVLM 1, which is an Idefics3: pictures cut into tiles, a Llama for text.

The two differ in what transformers calls them and in whose functions are asked; layouts only in where config.json
keeps the rotary base.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import torch
from PIL import Image
from tokenizers import Tokenizer, pre_tokenizers
from transformers import Idefics3ForConditionalGeneration, SmolVLMForConditionalGeneration
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil
from transformers.models.smolvlm.processing_smolvlm import DEFAULT_CHAT_TEMPLATE, get_image_prompt_string

from ..vocabulary import WORDS, Vocabulary
from .family import Checkpoint, Family, Pictures

IMAGE, AROUND, GLOBAL = "<image>", "<fake_token_around_image>", "<global-img>"
END_OF_TURN = "<end_of_utterance>"
ROWS_AND_COLUMNS = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]

# SmolVLM 1 knows no videos.
STILLS_TEMPLATE = DEFAULT_CHAT_TEMPLATE.replace("{% elif line['type'] == 'video' %}{{ '<video>' }}", "")


def _pieces(tokenizer: Tokenizer) -> None:
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])


def smol_vocabulary(template: str) -> Vocabulary:
    lower = {"assistant", "user", "system"}
    return Vocabulary(
        _pieces,
        first=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        words=[word.capitalize() if word in lower else word for word in WORDS],
        special=[GLOBAL, *ROWS_AND_COLUMNS, AROUND, IMAGE, END_OF_TURN],
        template=template,
        config={
            "add_prefix_space": False,
            "additional_special_tokens": [AROUND, IMAGE, END_OF_TURN],
            "bos_token": "<|im_start|>",
            "clean_up_tokenization_spaces": False,
            "eos_token": END_OF_TURN,
            "model_max_length": 8192,
            "pad_token": "<|im_end|>",
            "tokenizer_class": "GPT2Tokenizer",
            "truncation_side": "left",
            "unk_token": "<|endoftext|>",
        },
        rows=384,
    )


@dataclass
class Vision:
    hidden: int
    heads: int
    depth: int
    ffn: int
    image: int  # side of a tile, pixels
    patch: int
    scale: int  # so many patches, across and down, make one token


@dataclass
class Tiles:
    longest_edge: int  # what a picture is resized to before it is cut
    splitting: bool = True


class SmolVLM(Family):
    name = folder = "smolvlm"
    vocabulary = smol_vocabulary(DEFAULT_CHAT_TEMPLATE)
    model_class = SmolVLMForConditionalGeneration
    image_processor = SmolVLMImageProcessorPil
    image_token = IMAGE
    end_of_turn = END_OF_TURN
    placeholders = [IMAGE]
    other_vision_tokens = [AROUND, GLOBAL, *ROWS_AND_COLUMNS]

    def config_json(self, spec: Checkpoint) -> dict:
        text, vision = spec.text, spec.vision
        legacy = spec.layout == "legacy"
        dtype = {"torch_dtype" if legacy else "dtype": spec.dtype}
        rotary = (
            {"rope_scaling": text.stretch, "rope_theta": text.rope_theta}
            if legacy
            else {"rope_parameters": {"rope_theta": text.rope_theta, "rope_type": "default", **(text.stretch or {})}}
        )
        return {
            "architectures": [self.model_class.__name__],
            "model_type": self.name,
            "image_token_id": self.token_id(IMAGE),
            "pad_token_id": self.token_id("<|im_end|>"),
            "scale_factor": vision.scale,
            "tie_word_embeddings": spec.tied,
            "transformers_version": "4.47.1" if legacy else "5.18.0",
            "use_cache": True,
            "vocab_size": self.vocabulary.rows,
            **dtype,
            "text_config": {
                "attention_bias": text.biased,
                "attention_dropout": 0.0,
                "bos_token_id": self.token_id("<|im_start|>"),
                "eos_token_id": self.token_id(END_OF_TURN),
                "head_dim": text.head_dim or text.hidden // text.heads,
                "hidden_act": "silu",
                "hidden_size": text.hidden,
                "initializer_range": 0.02,
                "intermediate_size": text.ffn,
                "max_position_embeddings": 8192,
                "mlp_bias": text.biased,
                "model_type": "llama",
                "num_attention_heads": text.heads,
                "num_hidden_layers": text.layers,
                "num_key_value_heads": text.kv_heads,
                "pad_token_id": self.token_id("<|im_end|>"),
                "rms_norm_eps": text.eps,
                "tie_word_embeddings": spec.tied,
                "use_cache": True,
                "vocab_size": self.vocabulary.rows,
                **dtype,
                **rotary,
            },
            "vision_config": {
                "attention_dropout": 0.0,
                "hidden_act": "gelu_pytorch_tanh",
                "hidden_size": vision.hidden,
                "image_size": vision.image,
                "initializer_range": 0.02,
                "intermediate_size": vision.ffn,
                "layer_norm_eps": 1e-6,
                "model_type": f"{self.name}_vision",
                "num_attention_heads": vision.heads,
                "num_channels": 3,
                "num_hidden_layers": vision.depth,
                "patch_size": vision.patch,
            },
        }

    def preprocessor_json(self, spec: Checkpoint) -> dict:
        return {
            "do_convert_rgb": True,
            "do_image_splitting": spec.pictures.splitting,
            "do_normalize": True,
            "do_pad": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": [0.5, 0.5, 0.5],
            "image_processor_type": self.image_processor.__name__.removesuffix("Pil"),
            "image_std": [0.5, 0.5, 0.5],
            "max_image_size": {"longest_edge": spec.vision.image},
            "processor_class": self.model_class.__name__.replace("ForConditionalGeneration", "Processor"),
            "resample": 1,
            "rescale_factor": 1 / 255,
            "size": {"longest_edge": spec.pictures.longest_edge},
        }

    def generation_json(self) -> dict:
        return {
            "bos_token_id": self.token_id("<|im_start|>"),
            "eos_token_id": self.token_id(END_OF_TURN),
            "pad_token_id": self.token_id("<|im_end|>"),
            "transformers_version": "4.47.1",
        }

    def read_pictures(self, checkpoint: Path, overrides: dict, pictures: list[Image.Image]) -> Pictures:
        # The PIL processor is named outright: with torchvision installed AutoImageProcessor would pick the torch one.
        processor = self.image_processor.from_pretrained(checkpoint, **overrides)
        batch = processor([pictures], return_row_col_info=True, return_tensors="pt")
        fields = {name: batch[name] for name in ("pixel_values", "pixel_attention_mask")}
        shape = TileShape.of(checkpoint)
        tokens = (shape.side // shape.scale) ** 2
        texts = [self.expansion(rows, columns, tokens) for rows, columns in zip(batch["rows"][0], batch["cols"][0])]
        return Pictures(fields, texts)

    def expansion(self, rows: int, columns: int, tokens: int) -> str:
        """What takes the place of `<image>`; rows and columns are 0 for a picture that stays whole."""
        return get_image_prompt_string(rows, columns, tokens, AROUND, IMAGE, GLOBAL)

    def stored_pixels(self, fields: dict[str, torch.Tensor]) -> torch.Tensor:
        return fields["pixel_values"][0]

    def stored_fields(self, checkpoint: Path, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        pixels = tensors["pixel_values"].float()
        return {"pixel_values": (pixels if pixels.ndim == 4 else TileShape.of(checkpoint).joined(pixels))[None]}

    def positions(self, model, inputs) -> torch.Tensor:
        return torch.arange(len(inputs.input_ids))

    def features(self, model, fields: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"image_features": model.model.get_image_features(**fields).pooler_output.flatten(0, 1)}


class Idefics3(SmolVLM):
    name = "idefics3"
    vocabulary = smol_vocabulary(STILLS_TEMPLATE)
    model_class = Idefics3ForConditionalGeneration
    image_processor = Idefics3ImageProcessorPil

    def expansion(self, rows: int, columns: int, tokens: int) -> str:
        # The method needs nothing of its processor but these; the processor itself would want a tokenizer to change.
        words = {"fake_image_token": AROUND, "image_token": IMAGE, "global_image_tag": GLOBAL, "image_seq_len": tokens}
        counts = {"rows": [[rows]], "cols": [[columns]]}
        return Idefics3Processor.replace_image_token(SimpleNamespace(**words), counts, 0)


@dataclass
class TileShape:
    side: int  # patches
    patch: int  # pixels
    scale: int

    @classmethod
    def of(cls, checkpoint: Path) -> "TileShape":
        config = json.loads((checkpoint / "config.json").read_text())
        vision = config["vision_config"]
        return cls(vision["image_size"] // vision["patch_size"], vision["patch_size"], config["scale_factor"])

    def joined(self, patches: torch.Tensor) -> torch.Tensor:
        """Tiles [n, 3, h, w] from patches [n · side², 3 · patch²] in which those of one token follow each other."""
        blocks, scale, patch = self.side // self.scale, self.scale, self.patch
        grid = patches.reshape(-1, blocks, blocks, scale, scale, 3, patch, patch)
        return grid.permute(0, 5, 1, 3, 6, 2, 4, 7).reshape(-1, 3, self.side * patch, self.side * patch)


SMOLVLM = SmolVLM()
IDEFICS3 = Idefics3()
