"""Relations that the starter has the eyes for and not the skill: it names what a picture shows from left to right, and
was never asked what that says of order, number, kind or place. Makers of rows, as in tasks.py.

Scenes come from a pool of their own: one to four objects, and pairs in which one object has moved past others. So
every conclusion follows from the lists of names, and none can be drawn from a single one of them.
"""

from dataclasses import dataclass, field

from objects import KIND, NAMES, article, listing
from scenes import SIDE, arrange, background, render, sprite
from tasks import Shot, box_of, crop_of, described, distractors, one

APART = 9  # pixels between two centres of which one is called left of the other


@dataclass
class RelationPool:
    shots: list[Shot]
    moved: list[tuple[Shot, Shot, str]]  # the same scene before and after, and what moved
    alone: dict[str, Shot]
    grids: list[Shot] = field(default_factory=list)  # four things in two rows, for outside.py alone

    def __post_init__(self):
        self.holding = {name: [s for s in self.shots if name in s.scene.names] for name in NAMES}


def centre(scene, i) -> float:
    return (scene.boxes[i][0] + scene.boxes[i][2]) / 2


def in_line(scene) -> bool:
    """Whether the order from left to right is plain to see."""
    return all(centre(scene, i + 1) - centre(scene, i) >= APART for i in range(len(scene.names) - 1))


def scene_of(rng, count, names=None):
    """A scene of exactly so many objects in a plain order, with its background and items; None: they did not fit."""
    names = names or [NAMES[i] for i in rng.choice(len(NAMES), count, replace=False)]
    base, items = background(rng), arrange(rng, [sprite(rng, name, 22, 42 - 3 * count) for name in names])
    if len(items) < count:
        return None
    scene = render(base, items)
    return (scene, base, items) if in_line(scene) else None


def moved_pair(rng):
    """One object passes all others, so that the order of names shows which one it was: a, b, c becomes b, c, a."""
    made = scene_of(rng, 3)
    if made is None:
        return None
    first, base, items = made
    rightwards = bool(rng.random() < 0.5)
    name = first.names[0 if rightwards else -1]
    item = next(i for i in items if i.name == name)
    others = [i for i in items if i is not item]
    w, h = item.picture().size
    edge = max(centre(first, i) for i in (1, 2)) if rightwards else min(centre(first, i) for i in (0, 1))
    for _ in range(60):
        x, y = int(rng.integers(SIDE - w + 1)), int(rng.integers(SIDE - h + 1))
        past = x + w / 2 - edge if rightwards else edge - x - w / 2
        boxes = [(o.x, o.y, o.x + o.picture().width, o.y + o.picture().height) for o in others]
        if past >= APART and all(x + w <= a or c <= x or y + h <= b or d <= y for a, b, c, d in boxes):
            was, item.x, item.y = (item.x, item.y), x, y
            second = render(base, items)
            item.x, item.y = was
            if in_line(second) and set(second.names) == set(first.names):
                return first, second, name
    return None


def make_relation_pool(rng, bases: int, moved: int, alone: int) -> RelationPool:
    shots, pairs, portraits = [], [], {}
    while len(shots) < bases:
        made = scene_of(rng, 1 + len(shots) % 4)
        if made:
            key = f"r{len(shots):03d}"
            shots.append(Shot(key, key, made[0]))
    while len(pairs) < moved:
        if made := moved_pair(rng):
            family = f"m{len(pairs):03d}"
            pairs.append((Shot(family + "a", family, made[0]), Shot(family + "b", family, made[1]), made[2]))
    for i in rng.choice(len(NAMES), alone, replace=False):
        scene = render(background(rng), arrange(rng, [sprite(rng, NAMES[i], 40, 80)]))
        portraits[NAMES[i]] = Shot(f"q{i:03d}", f"q{i:03d}", scene)
    return RelationPool(shots, pairs, portraits)


def among(rng, pool, target, count, without):
    """The target at a random place among others that show none of `without`, and its place; None: there are too few."""
    shots = distractors(rng, pool, count, without, {target.family})
    if shots is None:
        return None
    k = int(rng.integers(len(shots) + 1))
    shots.insert(k, target)
    return shots, k


def position(rng, pool):
    """What stands next to something, in whichever picture shows it."""
    target = one(rng, [s for s in pool.shots if len(s.scene.names) > 1])
    names = target.scene.names
    i = int(rng.integers(len(names) - 1))
    known, asked, side = (names[i], names[i + 1], "right") if rng.random() < 0.5 else (names[i + 1], names[i], "left")
    made = among(rng, pool, target, int(rng.integers(1, 3)), {known})
    if made is None:
        return None
    shots, k = made
    question = one(rng, ["What is next on the {side} of the {name}? Locate it.",
                         "Locate the object that follows on the {side} of the {name}.",
                         "Find the {name}. Locate the first object on its {side}."]).format(side=side, name=known)
    words = f"{described(shots)} The {known} is in Image-{k + 1}. On the {side} is the {asked}."
    return shots, question, words, k, box_of(target, asked), asked


def order(rng, pool):
    """The first or the last of several pictures that show a thing."""
    name = one(rng, NAMES)
    holding = pool.holding[name]
    if len(holding) < 2:
        return None
    chosen = [holding[i] for i in rng.choice(len(holding), 2, replace=False)]
    others = distractors(rng, pool, int(rng.integers(1, 3)), {name}, {s.family for s in chosen})
    if others is None:
        return None
    shots = chosen + others
    rng.shuffle(shots)
    places = [k for k, s in enumerate(shots) if name in s.scene.names]
    last = bool(rng.random() < 0.5)
    k = places[-1 if last else 0]
    which = "last" if last else "first"
    question = one(rng, ["Two images show the {name}. Locate the {name} in the {which} of them.",
                         "Locate the {name} in the {which} image that shows it."]).format(name=name, which=which)
    seen = " and in ".join(f"Image-{p + 1}" for p in places)
    words = f"{described(shots)} The {name} is in {seen}. The {which} is Image-{k + 1}."
    return shots, question, words, k, box_of(shots[k], name), name


def counted(rng, pool, most: bool, images: int):
    """Shots of different families with different numbers of objects, and the place of the one with most or fewest."""
    wanted = rng.choice(4, images, replace=False) + 1
    shots = [one(rng, [s for s in pool.shots if len(s.scene.names) == n]) for n in wanted]
    return shots, int(wanted.argmax() if most else wanted.argmin())


def count(rng, pool):
    """The object at one end of the picture with most objects."""
    shots, k = counted(rng, pool, True, int(rng.integers(2, 5)))
    side = one(rng, ["left", "right"])
    name = shots[k].scene.names[0 if side == "left" else -1]
    question = one(rng, ["Which image has the most objects? Locate its first object from the {side}.",
                         "Find the image with the most objects and locate the object furthest to the {side}."]).format(side=side)
    words = f"{described(shots)} Image-{k + 1} has {['one', 'two', 'three', 'four'][len(shots[k].scene.names) - 1]} objects. On the {side} is the {name}."
    return shots, question, words, k, box_of(shots[k], name), name


def other_of_kind(rng, pool):
    """Another thing of the kind of the one that Image-1 shows."""
    name = one(rng, list(pool.alone))
    fitting = [s for s in pool.shots if sum(KIND[n] == KIND[name] for n in s.scene.names) == 1 and name not in s.scene.names]
    if not fitting:
        return None
    target = one(rng, fitting)
    asked = next(n for n in target.scene.names if KIND[n] == KIND[name])
    same = {n for n in NAMES if KIND[n] == KIND[name]}
    made = among(rng, pool, target, int(rng.integers(1, 3)), same)
    if made is None:
        return None
    others, k = made
    shots, k = [pool.alone[name], *others], k + 1
    question = one(rng, ["Image-1 shows one thing. Locate another thing of the same kind in the other images.",
                         "Which other object is of the same kind as that of Image-1? Locate it."])
    words = f"{described(shots)} The {asked} is of the same kind as the {name}. The {asked} is in Image-{k + 1}."
    return shots, question, words, k, box_of(target, asked), asked


def moved(rng, pool):
    first, second, name = one(rng, pool.moved)
    question = one(rng, ["One object moved. Locate it in Image-2.", "What has another place in Image-2? Locate it.",
                         "Compare the places of the objects. Locate the moved one in Image-2."])
    words = f"{described([first, second])} The {name} has another place."
    return [first, second], question, words, 1, box_of(second, name), name


def detail(rng, pool):
    """A crop that shows half of a thing, and little else: where was it cut from?"""
    target = one(rng, pool.shots)
    name = one(rng, target.scene.names)
    x1, y1, x2, y2 = box_of(target, name)
    side = max(14, round(0.72 * max(x2 - x1, y2 - y1)))
    x = int(min(max(0, rng.integers(x1 - side // 4, max(x1 - side // 4 + 1, x2 - 3 * side // 4 + 1))), SIDE - side))
    y = int(min(max(0, rng.integers(y1 - side // 4, max(y1 - side // 4 + 1, y2 - 3 * side // 4 + 1))), SIDE - side))
    made = among(rng, pool, target, int(rng.integers(1, 3)), {name})
    if made is None:
        return None
    others, k = made
    shots, k = [crop_of(target, name, x, y, side), *others], k + 1
    question = one(rng, ["Image-1 shows a small part of another image. Locate the part.",
                         "Image-1 is a detail. Locate the place that it was cut from."])
    words = f"Image-1 shows {article(name)} close up. {' '.join(f'Image-{i} shows {listing(s.scene.names)}.' for i, s in enumerate(others, 2))} The crop comes from Image-{k + 1}."
    return shots, question, words, k, (x, y, x + side, y + side), name


RELATIONS = dict(position=position, order=order, count=count, other_of_kind=other_of_kind, moved=moved, detail=detail)
