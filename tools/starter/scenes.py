"""Scenes: Fluent Emoji pictures pasted over crops of CC0 photographs, with exact boxes from the alpha masks.

A scene is a function of (seed, split, index), so that training and held-out scenes come from separate random
streams and any scene can be made again. Boxes are integer pixels, x2 and y2 exclusive, of the 112 × 112 picture.
"""

import os
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from PIL import Image

from objects import FILES, NAMES

SIDE = 112
MASTER = 80  # sprites are kept at this size, then scaled down
# Bundled with scikit-image 0.26.0 and CC0 or public domain by its own docstrings (see public/starter/NOTICE.md).
PHOTOGRAPHS = ["brick.png", "camera.png", "coffee.png", "grass.png", "gravel.png",
               "hubble_deep_field.jpg", "rocket.jpg", "retina.jpg", "clock_motion.png"]
SPLITS = {"train": 0, "heldout": 1, "sample-train": 2, "sample-heldout": 3}


@dataclass
class Scene:
    image: np.ndarray  # [112, 112, 3] u8
    names: list[str]  # left to right
    boxes: list[tuple[int, int, int, int]]
    owner: np.ndarray  # [112, 112] i8: index into names, -1 is background


@cache
def sprites() -> dict[str, Image.Image]:
    folder = os.environ.get("FLUENT_EMOJI_DIR", "fluent-emoji")
    out = {}
    for file, name in zip(FILES, NAMES):
        picture = Image.open(os.path.join(folder, f"{file}.webp")).convert("RGBA")
        picture = picture.crop(picture.getchannel("A").point(lambda a: 255 * (a > 127)).getbbox())
        scale = MASTER / max(picture.size)
        out[name] = picture.resize([max(1, round(s * scale)) for s in picture.size], Image.LANCZOS)
    return out


@cache
def photographs() -> list[Image.Image]:
    import skimage.data

    folder = os.path.dirname(skimage.data.__file__)
    out = []
    for file in PHOTOGRAPHS:
        picture = Image.open(os.path.join(folder, file)).convert("RGB")
        scale = 320 / min(picture.size)
        out.append(picture.resize([round(s * scale) for s in picture.size], Image.LANCZOS))
    return out


def rng_for(seed: int, split: str, index: int) -> np.random.Generator:
    return np.random.default_rng([seed, SPLITS[split], index])


def background(rng: np.random.Generator) -> Image.Image:
    photo = photographs()[rng.integers(len(PHOTOGRAPHS))]
    side = int(rng.integers(112, 300))
    x, y = rng.integers(photo.width - side + 1), rng.integers(photo.height - side + 1)
    crop = photo.resize((SIDE, SIDE), Image.BILINEAR, box=(x, y, x + side, y + side))
    pixels = np.asarray(crop, np.float32)
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    tint = rng.uniform(0.75, 1.25, 3) if rng.random() < 0.7 else np.ones(3)
    contrast, level = rng.uniform(0.35, 0.9), rng.uniform(50, 205)
    pixels = ((pixels - pixels.mean()) * contrast + level) * tint
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@dataclass
class Placed:
    """A sprite as it lies in a scene; kept so that near-identical scenes can be made from it."""
    name: str
    size: int
    flip: bool
    light: float
    x: int = 0
    y: int = 0
    drawn: Image.Image | None = field(default=None, repr=False, compare=False)

    def picture(self) -> Image.Image:
        if self.drawn is None:
            self.drawn = self.draw()
        return self.drawn

    def draw(self) -> Image.Image:
        master = sprites()[self.name]
        scale = self.size / max(master.size)
        picture = master.resize([max(8, round(s * scale)) for s in master.size], Image.BILINEAR, reducing_gap=2.0)
        if self.flip:
            picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
        if self.light != 1.0:
            pixels = np.asarray(picture).copy()
            pixels[..., :3] = (pixels[..., :3] * np.float32(self.light)).clip(0, 255)
            picture = Image.fromarray(pixels)
        return picture


def sprite(rng: np.random.Generator, name: str, smallest: int = 26, largest: int = 54) -> Placed:
    return Placed(name, int(rng.integers(smallest, largest + 1)), bool(rng.random() < 0.5), float(rng.uniform(0.85, 1.1)))


def free_spot(rng, size, taken, tries=30, slack=2):
    """A place for a w × h rectangle that overlaps none of `taken` by more than `slack` pixels, or None."""
    w, h = size
    for _ in range(tries):
        x, y = int(rng.integers(SIDE - w + 1)), int(rng.integers(SIDE - h + 1))
        if all(x + w - slack <= a or c - slack <= x or y + h - slack <= b or d - slack <= y for a, b, c, d in taken):
            return x, y
    return None


def arrange(rng, items: list[Placed]) -> list[Placed]:
    """Gives each item a place; those that do not fit are left out."""
    taken, out = [], []
    for item in sorted(items, key=lambda i: -i.size):
        size = item.picture().size
        if (spot := free_spot(rng, size, taken)) is not None:
            item.x, item.y = spot
            taken.append((*spot, spot[0] + size[0], spot[1] + size[1]))
            out.append(item)
    return out


def render(base: Image.Image, items: list[Placed]) -> Scene:
    canvas, owner = base.copy(), np.full((SIDE, SIDE), -1, np.int8)
    for i, item in enumerate(items):
        picture = item.picture()
        canvas.paste(picture, (item.x, item.y), picture)
        mask = np.asarray(picture.getchannel("A")) > 127
        owner[item.y:item.y + picture.height, item.x:item.x + picture.width][mask] = i
    boxes = {}
    for i in range(len(items)):
        ys, xs = np.nonzero(owner == i)
        boxes[i] = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    order = sorted(boxes, key=lambda i: boxes[i][0] + boxes[i][2])
    renumber = np.full(len(items) + 1, -1, np.int8)
    renumber[order] = np.arange(len(order))
    return Scene(np.asarray(canvas), [items[i].name for i in order], [boxes[i] for i in order], renumber[owner])


def compose(rng: np.random.Generator, names: list[str] | None = None, fewest=2, most=5) -> Scene:
    if names is None:
        names = [NAMES[i] for i in rng.choice(len(NAMES), rng.integers(fewest, most + 1), replace=False)]
    return render(background(rng), arrange(rng, [sprite(rng, name) for name in names]))


def closeup(rng: np.random.Generator) -> Scene:
    """One object, alone and large."""
    return render(background(rng), arrange(rng, [sprite(rng, NAMES[rng.integers(len(NAMES))], 40, 92)]))
