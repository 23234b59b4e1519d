"""A small tokenizer of Qwen2.5-VL's kind: byte-level BPE, its pre-tokenizer, its special tokens, its chat template.

Ids: 0–255 the byte alphabet, then the merges, then the special tokens in Qwen's order.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.pre_tokenizers import ByteLevel

from .files import write_json

SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
NOT_SPECIAL = [
    "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
    "<|repo_name|>", "<|file_sep|>",
]  # fmt: skip

# Words whose letters are merged left to right, one merge per prefix not seen before.
WORDS = [
    " the", " image", " in", " is", " a", " box", "the", "in", "er", " red", " of", "assistant", "user", "system", "box",
    " and", "label", "\n\n", "  ", "    ", "\n  ", '{"', '":', "],", "é", "你", "好", "🐱", "ing", " on",
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


def byte_alphabet() -> list[str]:
    """GPT-2's printable stand-ins for bytes, in the order its vocabulary lists them."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [chr(256 + i) for i in range(256 - len(plain))]
    return [chr(byte) for byte in plain] + others


def _merges() -> list[tuple[str, str]]:
    merges: dict[tuple[str, str], None] = {}
    for word in WORDS:
        (pieces,) = [ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(word)[0][0]]
        whole = pieces[0]
        for letter in pieces[1:]:
            merges[(whole, letter)] = None
            whole += letter
    return list(merges)


def build_tokenizer() -> Tokenizer:
    merges = _merges()
    vocabulary = {token: i for i, token in enumerate(byte_alphabet())}
    for left, right in merges:
        vocabulary.setdefault(left + right, len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, fuse_unk=False, byte_fallback=False))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in NOT_SPECIAL])
    return tokenizer


def token_id(token: str) -> int:
    return build_tokenizer().token_to_id(token)


def write_tokenizer(folder: Path, template_in: str) -> None:
    """Writes tokenizer.json, tokenizer_config.json and the template.

    template_in: "jinja" (chat_template.jinja), "config" (tokenizer_config.json) or "json" (chat_template.json):
    the three places where published checkpoints keep it.
    """
    tokenizer = build_tokenizer()
    write_json(folder / "tokenizer.json", json.loads(tokenizer.to_str()), indent=None)
    added = {
        str(tokenizer.token_to_id(token)): {
            "content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
            "special": token in SPECIAL,
        }
        for token in SPECIAL + NOT_SPECIAL
    }  # fmt: skip
    config = {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": added,
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
    if template_in == "config":
        config["chat_template"] = TEMPLATE
    elif template_in == "json":
        write_json(folder / "chat_template.json", {"chat_template": TEMPLATE})
    else:
        (folder / "chat_template.jinja").write_text(TEMPLATE)
    write_json(folder / "tokenizer_config.json", config)
