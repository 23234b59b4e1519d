"""Small byte-level BPE tokenizers: the alphabet and merges are ours, everything around them as a family publishes it.

Ids: `first` if the family has such, the 256 bytes, the merges, then `special` and `not_special`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models
from tokenizers.pre_tokenizers import ByteLevel

from .files import write_json

# Words whose letters are merged left to right, one merge per prefix not seen before.
WORDS = [
    " the", " image", " in", " is", " a", " box", "the", "in", "er", " red", " of", "assistant", "user", "system", "box",
    " and", "label", "\n\n", "  ", "    ", "\n  ", '{"', '":', "],", "é", "你", "好", "🐱", "ing", " on",
]  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    pieces: Callable[[Tokenizer], None]  # sets what comes before and after BPE: normalizer, pre-tokenizer and so on
    special: list[str]
    template: str
    config: dict  # what tokenizer_config.json says besides the tokens and the template
    rows: int  # of the embedding: more than there are tokens, as in the published models
    first: list[str] = field(default_factory=list)  # special tokens before the bytes
    not_special: list[str] = field(default_factory=list)  # added tokens that decoding does not skip
    words: list[str] = field(default_factory=lambda: WORDS)

    def tokenizer(self) -> Tokenizer:
        merges = _merges(self.words)
        vocabulary = {token: i for i, token in enumerate(self.first + byte_alphabet())}
        for left, right in merges:
            vocabulary.setdefault(left + right, len(vocabulary))
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, fuse_unk=False, byte_fallback=False))
        self.pieces(tokenizer)
        tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
        special = [AddedToken(token, special=True, normalized=False) for token in self.first + self.special]
        tokenizer.add_special_tokens(special)
        tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in self.not_special])
        assert tokenizer.get_vocab_size() < self.rows
        return tokenizer

    def token_id(self, token: str) -> int:
        return self.tokenizer().token_to_id(token)

    def write(self, folder: Path, template_in: str) -> None:
        """Writes tokenizer.json, tokenizer_config.json and the template.

        template_in: "jinja" (chat_template.jinja), "config" (tokenizer_config.json) or "json" (chat_template.json):
        the three places where published checkpoints keep it.
        """
        tokenizer = self.tokenizer()
        write_json(folder / "tokenizer.json", json.loads(tokenizer.to_str()), indent=None)
        special = self.first + self.special
        added = {
            str(tokenizer.token_to_id(token)): {
                "content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
                "special": token in special,
            }
            for token in special + self.not_special
        }  # fmt: skip
        config = dict(sorted({**self.config, "added_tokens_decoder": added}.items()))
        if template_in == "config":
            config["chat_template"] = self.template
        elif template_in == "json":
            write_json(folder / "chat_template.json", {"chat_template": self.template})
        else:
            (folder / "chat_template.jinja").write_text(self.template)
        write_json(folder / "tokenizer_config.json", config)


def byte_alphabet() -> list[str]:
    """GPT-2's printable stand-ins for bytes, in the order its vocabulary lists them."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [chr(256 + i) for i in range(256 - len(plain))]
    return [chr(byte) for byte in plain] + others


def _merges(words: list[str]) -> list[tuple[str, str]]:
    merges: dict[tuple[str, str], None] = {}
    for word in words:
        (pieces,) = [ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(word)[0][0]]
        whole = pieces[0]
        for letter in pieces[1:]:
            merges[(whole, letter)] = None
            whole += letter
    return list(merges)
