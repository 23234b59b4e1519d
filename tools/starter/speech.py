"""What is said about scenes: the questions and answers of pretraining. (The sample dataset's are in tasks.py.)

A sample is a shared prefix (images) and several segments, each one question with its answer; a segment sees the
prefix and itself, and its positions continue from the prefix. So every object of a scene is asked for in one
sequence, and each segment looks to the model exactly as a conversation of its own.
"""

import json

from objects import NAMES, listing

LOCATE = ["Locate the {}.", "Find the {}.", "Where is the {}?", "Give the bounding box of the {}."]
DETECT = ["Locate every object.", "Detect all objects."]
LOCATE_IN = ["Locate the {} in Image-{}.", "Find the {} in Image-{}.", "Where is the {} in Image-{}?"]
ANY = ["Locate an object.", "Find an object."]
THINK = " Think first."


def box_json(name, box):
    return f'{{"bbox_2d": [{", ".join(map(str, box))}], "label": {json.dumps(name)}}}'


def native(scene, indices) -> str:
    """[{"bbox_2d": [12, 30, 55, 80], "label": "red apple"}]"""
    return "[" + ", ".join(box_json(scene.names[i], scene.boxes[i]) for i in indices) + "]"


def picked(image: int, box) -> str:
    """{"image": 2, "bbox_2d": [12, 30, 55, 80]}"""
    return f'{{"image": {image}, "bbox_2d": [{", ".join(map(str, box))}]}}'


def shows(k: int, names) -> str:
    return f"Image-{k} shows {listing(names)}."


# A pair is (question, answer, what each box of the answer points to as (image, object), both from 0).


def single(rng, scene) -> list[tuple[str, str, list]]:
    pairs = []
    for i in rng.permutation(len(scene.names))[:4]:
        pairs.append((LOCATE[rng.integers(len(LOCATE))].format(scene.names[i]), native(scene, [i]), [(0, i)]))
    if rng.random() < 0.5:
        pairs.append((DETECT[rng.integers(len(DETECT))], native(scene, range(len(scene.names))),
                      [(0, i) for i in range(len(scene.names))]))
    if rng.random() < 0.3:
        pairs.append(("Describe the image.", shows(1, scene.names), []))
    return pairs


def several(rng, scenes) -> list[tuple[str, str, list]]:
    pairs = []
    for k, scene in enumerate(scenes, 1):
        for i in rng.permutation(len(scene.names))[:2]:
            question = LOCATE_IN[rng.integers(len(LOCATE_IN))].format(scene.names[i], k)
            answer = picked(k, scene.boxes[i])
            if rng.random() < 0.4:
                if rng.random() < 0.5:
                    question = ANY[rng.integers(len(ANY))]  # what is located is said only in the thinking
                thinking = f"The {scene.names[i]} is in Image-{k}."
                if rng.random() < 0.3:
                    thinking = " ".join(shows(n, s.names) for n, s in enumerate(scenes, 1)) + " " + thinking
                question, answer = question + THINK, f"<think>{thinking}</think><answer>{answer}</answer>"
            pairs.append((question, answer, [(k - 1, i)]))
    order = rng.permutation(len(pairs))[:5]
    pairs = [pairs[i] for i in order]
    if rng.random() < 0.6:
        pairs.append(("Describe the images.", " ".join(shows(k, s.names) for k, s in enumerate(scenes, 1)), []))
    if rng.random() < 0.4:
        k = int(rng.integers(len(scenes)))
        pairs.append((f"Describe Image-{k + 1}.", shows(k + 1, scenes[k].names), []))
    return pairs


# Pretraining's own wording of the tasks in tasks.py, and what each concludes. Always thought about first.
REASONED = {
    "common_object": (["Find the common object in Image-{k}.", "Locate the common object in Image-{k}."],
                      "The common object is the {name}."),
    "diff": (["Find the difference.", "What is new in Image-2?"], "The difference is the {name}."),
    "refer_grounding": (["Find the same object again.", "Where is the same object?"], "The same {name} is in Image-{k}."),
    "region": (["Where does the crop come from?"], "The crop comes from Image-{k}."),
    "group_grounding": (["Which image shows the {name}?", "Find the {name}."], "The {name} is in Image-{k}."),
}


def reasoned(rng, task, made) -> tuple[str, str, list]:
    """One of tasks.py's draws as a pretraining pair, with another question and the request to think first."""
    shots, _, thinking, k, box, name = made
    questions, _ = REASONED[task]
    question = questions[rng.integers(len(questions))].format(k=k + 1, name=name) + THINK
    answer = f"<think>{thinking}</think><answer>{picked(k + 1, box)}</answer>"
    return question, answer, [(k, shots[k].scene.names.index(name))]


def text_only(rng) -> tuple[str, str]:
    """Reasoning in words without pictures: (question and premises, conclusion). Only the conclusion is learned."""
    names = [NAMES[i] for i in rng.choice(len(NAMES), 14, replace=False)]
    images = int(rng.integers(2, 4))
    lists = [[names.pop() for _ in range(rng.integers(1, 4))] for _ in range(images)]
    target = names.pop()
    put = lambda where: where.insert(int(rng.integers(len(where) + 1)), target)
    task = list(REASONED)[rng.integers(len(REASONED))]
    k = int(rng.integers(images))
    close = ""
    if task == "common_object":
        for where in lists:
            put(where)
    elif task == "diff":
        lists, k = [lists[0], lists[0][:]], 1
        put(lists[1])
        if rng.random() < 0.5 and len(lists[0]) > 1:
            lists[0].insert(int(rng.integers(len(lists[0]) + 1)), names.pop())
    elif task == "group_grounding":
        put(lists[k])
    else:
        lists[0], k, close = [target], int(rng.integers(1, images)), " close up" if task == "region" else ""
        put(lists[k])
    questions, conclusion = REASONED[task]
    question = questions[rng.integers(len(questions))].format(k=k + 1, name=target) + THINK
    premises = " ".join(shows(n, names)[:-1] + (close if n == 1 else "") + "." for n, names in enumerate(lists, 1))
    return f"{question}\n{premises}", " " + conclusion.format(k=k + 1, name=target)


def lookups(rng) -> tuple[str, list[tuple[str, str]]]:
    """Words alone: lists of what pictures show, and for several of the things where they are. (lists, [(asked, where)])"""
    images = int(rng.integers(2, 5))
    names = [NAMES[i] for i in rng.choice(len(NAMES), 4 * images, replace=False)]
    lists = [names[4 * k:4 * k + int(rng.integers(1, 5))] for k in range(images)]
    things = [(name, k) for k, part in enumerate(lists, 1) for name in part]
    premises = " ".join(shows(k, part) for k, part in enumerate(lists, 1))
    asked = [things[i] for i in rng.permutation(len(things))[:8]]
    words = ["The {} is in", "The same {} is in"]
    return premises, [(" " + words[rng.integers(2)].format(name), f" Image-{k}.") for name, k in asked]
