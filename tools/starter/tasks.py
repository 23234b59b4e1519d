"""The sample dataset's five multi-image tasks, named by MIG-Bench's keys. A task maker takes the split's pool of
scenes and returns a row's shots, question, thinking, answer image from 0, pixel box and object, or None if the draw was
unsuitable. Every row can be solved from its pictures; the thinking follows from them and holds no coordinates.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from scenes import SIDE, Scene, arrange, background, free_spot, render, sprite
from objects import NAMES, listing
from speech import shows


@dataclass
class Shot:
    """A picture of the pool; shots of one family share a background and most objects."""
    key: str
    family: str
    scene: Scene


@dataclass
class Pool:
    shots: list[Shot]
    pairs: list[tuple[Shot, Shot, str]]  # two near-identical shots and the name of what is new in the second
    alone: dict[str, Shot]  # an object by itself

    def __post_init__(self):
        self.holding = {name: [s for s in self.shots if name in s.scene.names] for name in NAMES}


def make_pool(rng, bases: int, alone: int) -> Pool:
    shots, pairs, portraits = [], [], {}
    for n in range(bases):
        count = int(rng.integers(2, 4))
        names = [NAMES[i] for i in rng.choice(len(NAMES), count + 1, replace=False)]
        base, items = background(rng), arrange(rng, [sprite(rng, name) for name in names[:count]])
        first = Shot(f"s{n:03d}a", f"s{n:03d}", render(base, items))
        new = sprite(rng, names[count], 28, 50)
        if rng.random() < 0.5 and len(items) > 1:  # one thing gives way to another
            gone = items[int(rng.integers(len(items)))]
            items = [i for i in items if i is not gone]
        size = new.picture().size
        spot = free_spot(rng, size, [(i.x, i.y, i.x + i.picture().width, i.y + i.picture().height) for i in items], tries=200)
        shots.append(first)
        if spot is None:
            continue
        new.x, new.y = spot
        second = Shot(f"s{n:03d}b", first.family, render(base, items + [new]))
        shots.append(second)
        pairs.append((first, second, new.name))
    for i in rng.choice(len(NAMES), alone, replace=False):
        scene = render(background(rng), arrange(rng, [sprite(rng, NAMES[i], 40, 80)]))
        portraits[NAMES[i]] = Shot(f"p{i:03d}", f"p{i:03d}", scene)
    return Pool(shots, pairs, portraits)


def one(rng, things):
    return things[int(rng.integers(len(things)))] if len(things) else None


def distractors(rng, pool, count, without: set[str], families: set[str]) -> list[Shot] | None:
    out = []
    for _ in range(100):
        if len(out) == count:
            return out
        shot = one(rng, pool.shots)
        if shot.family not in families and not without & set(shot.scene.names):
            out.append(shot)
            families = families | {shot.family}
    return None


def box_of(shot, name):
    return shot.scene.boxes[shot.scene.names.index(name)]


def described(shots) -> str:
    return " ".join(shows(k, s.scene.names) for k, s in enumerate(shots, 1))


def common_object(rng, pool):
    name, count = one(rng, NAMES), int(rng.integers(2, 4))
    shots = list(pool.holding[name])
    rng.shuffle(shots)
    chosen = []
    for shot in shots:
        if shot.family not in {c.family for c in chosen}:
            chosen.append(shot)
    chosen = chosen[:count]
    if len(chosen) < count or len(set.intersection(*(set(s.scene.names) for s in chosen))) != 1:
        return None
    k = int(rng.integers(count))
    question = one(rng, ["Which object appears in every image? Locate it in Image-{}.",
                         "Find the object that all images have in common and locate it in Image-{}.",
                         "Locate in Image-{} the object shared by all images."]).format(k + 1)
    return chosen, question, f"{described(chosen)} The common object is the {name}.", k, box_of(chosen[k], name), name


def diff(rng, pool):
    first, second, name = one(rng, pool.pairs)
    question = one(rng, ["What is different between the two images? Locate it in Image-2.",
                         "Image-2 has an object that Image-1 has not. Locate it in Image-2.",
                         "Compare the images and locate the new object in Image-2."])
    return [first, second], question, f"{described([first, second])} The difference is the {name}.", 1, box_of(second, name), name


def refer_grounding(rng, pool):
    name = one(rng, list(pool.alone))
    target = one(rng, pool.holding[name])
    if target is None:
        return None
    others = distractors(rng, pool, int(rng.integers(0, 3)), {name}, {target.family})
    others.insert(int(rng.integers(len(others) + 1)), target)
    shots = [pool.alone[name], *others]
    k = shots.index(target)
    question = one(rng, ["Image-1 shows an object alone. Find the same object in another image.",
                         "Find the object of Image-1 in the other images.",
                         "Where is the object of Image-1 shown again? Locate it."])
    return shots, question, f"{described(shots)} The same {name} is in Image-{k + 1}.", k, box_of(target, name), name


def crop_of(shot, name, x, y, side) -> Shot:
    """A square of a picture, enlarged to a picture of its own."""
    pixels = Image.fromarray(shot.scene.image).crop((x, y, x + side, y + side)).resize((SIDE, SIDE), Image.BICUBIC)
    scene = Scene(np.asarray(pixels), [name], [(0, 0, SIDE, SIDE)], None)
    return Shot(f"{shot.key}-{x}-{y}-{side}", shot.family, scene)


def region(rng, pool):
    target = one(rng, pool.shots)
    name = one(rng, target.scene.names)
    x1, y1, x2, y2 = box_of(target, name)
    side = int(min(SIDE, round(rng.uniform(1.1, 1.4) * max(x2 - x1, y2 - y1))))
    x = int(np.clip(round((x1 + x2 - side) / 2 + rng.uniform(-3, 3)), max(0, x2 - side), min(x1, SIDE - side)))
    y = int(np.clip(round((y1 + y2 - side) / 2 + rng.uniform(-3, 3)), max(0, y2 - side), min(y1, SIDE - side)))
    crop = crop_of(target, name, x, y, side)
    others = distractors(rng, pool, int(rng.integers(1, 3)), {name}, {target.family})
    others.insert(int(rng.integers(len(others) + 1)), target)
    shots = [crop, *others]
    k = shots.index(target)
    question = one(rng, ["Image-1 is a crop from one of the other images. Locate the region it was cut from.",
                         "Which image was Image-1 cut from? Locate the region.",
                         "Find the region of the other images that Image-1 shows."])
    words = f"Image-1 shows {listing([name])} close up. " + " ".join(shows(i, s.scene.names) for i, s in enumerate(others, 2))
    return shots, question, f"{words} The crop comes from Image-{k + 1}.", k, (x, y, x + side, y + side), name


def group_grounding(rng, pool):
    target = one(rng, pool.shots)
    name = one(rng, target.scene.names)
    shots = distractors(rng, pool, int(rng.integers(1, 4)), {name}, {target.family})
    shots.insert(int(rng.integers(len(shots) + 1)), target)
    k = shots.index(target)
    question = one(rng, ["Only one image shows the {}. Find it and locate the {}.",
                         "Which image shows the {}? Locate the {}.",
                         "Find the image with the {} and locate the {}."]).format(name, name)
    return shots, question, f"{described(shots)} The {name} is in Image-{k + 1}.", k, box_of(target, name), name


TASKS = dict(common_object=common_object, diff=diff, refer_grounding=refer_grounding, region=region,
             group_grounding=group_grounding)
