"""What a golden case is made of, and the words to write one with."""

from dataclasses import dataclass

from ..families.family import Checkpoint

ALL_PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# What the policy cases leave to the others.
SEEN_ELSEWHERE = ("pixel_values", "logits")


@dataclass
class Case:
    name: str
    about: str
    checkpoint: Checkpoint
    adapter: dict  # LoraConfig's fields
    pictures: dict[str, tuple[int, int]]  # file name → width, height
    messages: list
    completion: str | None = None
    processor: dict | None = None
    max_new_tokens: int | None = None
    policy: dict | None = None
    left_out: tuple[str, ...] = ()  # keys of expected.safetensors that other cases cover, dropped for size

    @property
    def place(self) -> str:
        """Of the case's folder under tests/golden; also what `build` calls it."""
        return f"{self.checkpoint.family.folder}/{self.name}"


def picture(name: str) -> dict:
    return {"type": "image", "image": f"images/{name}"}


def words(text: str) -> dict:
    return {"type": "text", "text": text}


def user(*content) -> dict:
    return {"role": "user", "content": list(content)}


def assistant(text: str) -> dict:
    return {"role": "assistant", "content": [words(text)]}


def system(text: str) -> dict:
    return {"role": "system", "content": text}
