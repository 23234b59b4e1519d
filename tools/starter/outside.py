"""Held-out rows that nothing is tuned on: other questions, numbers of pictures, layouts, answers of several boxes and of
none (`OUTSIDE`); and what the starter could do before it was tuned, with questions of several choices (`PERCEPTION`).

A maker returns a row's shots, question, thinking and answer: places as (image from 0, pixel box), none for "nothing",
or a letter. Perception has no thinking. None of it is in the sample's training rows or in pretraining.
"""

from objects import NAMES, article
from relations import among, counted
from scenes import Placed, background, render
from speech import LOCATE, LOCATE_IN
from tasks import Shot, box_of, described, distractors, one

GRID = [(4, 4), (60, 4), (4, 60), (60, 60)]


def conclude(shots, words) -> str:
    return f"{described(shots)} {words}"


def fewest(rng, pool):
    shots, k = counted(rng, pool, False, int(rng.integers(2, 5)))
    name = shots[k].scene.names[0]
    question = "Which image has the fewest objects? Locate its first object from the left."
    return shots, question, conclude(shots, f"Image-{k + 1} has the fewest objects. On the left is the {name}."), [(k, box_of(shots[k], name))]


def between(rng, pool):
    target = one(rng, [s for s in pool.shots if len(s.scene.names) >= 3])
    i = int(rng.integers(len(target.scene.names) - 2))
    left, name, right = target.scene.names[i:i + 3]
    made = among(rng, pool, target, int(rng.integers(1, 3)), {left, right})
    if made is None:
        return None
    shots, k = made
    words = f"The {left} and the {right} are in Image-{k + 1}. Between them is the {name}."
    return shots, f"Locate the object between the {left} and the {right}.", conclude(shots, words), [(k, box_of(target, name))]


def alone_in_one(rng, pool):
    """One picture only, where training has two to four."""
    shot = one(rng, [s for s in pool.shots if len(s.scene.names) > 1])
    i = int(rng.integers(len(shot.scene.names) - 1))
    known, asked = shot.scene.names[i], shot.scene.names[i + 1]
    return [shot], f"What is next on the right of the {known}? Locate it.", conclude([shot], f"On the right of the {known} is the {asked}."), [(0, box_of(shot, asked))]


def of_five(rng, pool):
    """Five pictures, where training has four at most."""
    target = one(rng, pool.shots)
    name = one(rng, target.scene.names)
    made = among(rng, pool, target, 4, {name})
    if made is None:
        return None
    shots, k = made
    return shots, f"Find the image with the {name} and locate the {name}.", conclude(shots, f"The {name} is in Image-{k + 1}."), [(k, box_of(target, name))]


def grid_scene(rng, key):
    names = [NAMES[i] for i in rng.choice(len(NAMES), 4, replace=False)]
    items = []
    for name, (x, y) in zip(names, GRID):
        item = Placed(name, int(rng.integers(34, 46)), bool(rng.random() < 0.5), float(rng.uniform(0.85, 1.1)))
        w, h = item.picture().size
        item.x, item.y = x + int(rng.integers(48 - w + 1)), y + int(rng.integers(48 - h + 1))
        items.append(item)
    return Shot(key, key, render(background(rng), items))


def in_grid(rng, pool):
    """Four things in two rows of two, where training has them in a line from left to right."""
    target = one(rng, pool.grids)
    name = one(rng, target.scene.names)
    others = [s for s in pool.grids if name not in s.scene.names]
    if len(others) < 2:
        return None
    shots = [others[i] for i in rng.choice(len(others), 2, replace=False)]
    k = int(rng.integers(3))
    shots.insert(k, target)
    return shots, f"Which image shows the {name}? Locate the {name}.", conclude(shots, f"The {name} is in Image-{k + 1}."), [(k, box_of(target, name))]


def absent(rng, pool):
    """The thing is in none of the pictures."""
    name = one(rng, NAMES)
    shots = distractors(rng, pool, int(rng.integers(2, 5)), {name}, set())
    if shots is None:
        return None
    return shots, f"Find the {name} in the images and locate it.", conclude(shots, f"No image shows the {name}."), []


def every_one(rng, pool):
    """One box in each of the pictures that show the thing."""
    name = one(rng, NAMES)
    if len(pool.holding[name]) < 2:
        return None
    chosen = [pool.holding[name][i] for i in rng.choice(len(pool.holding[name]), 2, replace=False)]
    others = distractors(rng, pool, int(rng.integers(1, 3)), {name}, {s.family for s in chosen})
    if others is None:
        return None
    shots = chosen + others
    rng.shuffle(shots)
    places = [k for k, s in enumerate(shots) if name in s.scene.names]
    seen = " and in ".join(f"Image-{k + 1}" for k in places)
    return shots, f"Locate the {name} in every image that shows it.", conclude(shots, f"The {name} is in {seen}."), [(k, box_of(shots[k], name)) for k in places]


OUTSIDE = dict(fewest=fewest, between=between, one_picture=alone_in_one, five_pictures=of_five, grid=in_grid,
               absent=absent, every_one=every_one)


def locate(rng, pool):
    shot = one(rng, pool.shots)
    name = one(rng, shot.scene.names)
    return [shot], one(rng, LOCATE).format(name), None, [(0, box_of(shot, name))]


def locate_in(rng, pool):
    shots = [pool.shots[i] for i in rng.choice(len(pool.shots), rng.integers(2, 5), replace=False)]
    k = int(rng.integers(len(shots)))
    name = one(rng, shots[k].scene.names)
    return shots, one(rng, LOCATE_IN).format(name, k + 1), None, [(k, box_of(shots[k], name))]


def options(words) -> str:
    return " ".join(f"{letter}. {word}" for letter, word in zip("ABCD", words))


def which_image(rng, pool):
    """In the manner of BLINK: letters for pictures."""
    target = one(rng, pool.shots)
    name = one(rng, target.scene.names)
    made = among(rng, pool, target, int(rng.integers(1, 4)), {name})
    if made is None:
        return None
    shots, k = made
    return shots, f"Which image shows {article(name)}? {options(f'Image-{n + 1}' for n in range(len(shots)))}", None, "ABCD"[k]


def which_object(rng, pool):
    """In the manner of MMIU: letters for things, of which one is in the picture asked about."""
    shots = [pool.shots[i] for i in rng.choice(len(pool.shots), rng.integers(2, 4), replace=False)]
    k = int(rng.integers(len(shots)))
    name = one(rng, shots[k].scene.names)
    rest = [n for n in NAMES if n not in shots[k].scene.names]
    offered = [rest[i] for i in rng.choice(len(rest), 3, replace=False)]
    right = int(rng.integers(4))
    offered.insert(right, name)
    return shots, f"Which object is in Image-{k + 1}? {options(offered)}", None, "ABCD"[right]


PERCEPTION = dict(locate=locate, locate_in=locate_in, which_image=which_image, which_object=which_object)
