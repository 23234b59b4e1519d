"""Writes the sample dataset: python dataset.py public/starter/sample.zip. What is asked: tasks.py, relations.py, outside.py.

Rows are in MGrounding-630k's form (LLaVA conversations, boxes in 0–1000 of the image) with MIG-Bench's task keys.
Training and held-out rows are made from two pools of scenes that come from different random streams; no picture,
and so no scene, is in both, which is asserted. Within a split a scene serves several rows. Held-out rows lie in three
files: what is trained, what is outside of it, and perception.
"""

import hashlib
import io
import json
import os
import sys
import zipfile

from PIL import Image

from outside import OUTSIDE, PERCEPTION, grid_scene
from relations import RELATIONS, make_relation_pool
from scenes import SIDE, rng_for
from tasks import TASKS, make_pool

SEED = 7
SIZES = {"train": dict(rows=240, relations=200, pool=dict(bases=240, moved=70, alone=60)),
         "heldout": dict(rows=100, kept=30, relations=75, pool=dict(bases=150, moved=75, alone=60))}
POOLS = {"train": dict(bases=330, alone=100), "heldout": dict(bases=140, alone=70)}
EACH = {"outside": 32, "perception": 50}
GRIDS = 24
# Held-out rows that the recorded run (public/starter) answers: they stay in the sample.
RECORDED = {f"heldout-{row}" for row in ("common_object-087", "diff-056", "group_grounding-086", "region-004")}
ORDINALS = ["first", "second", "third", "fourth", "fifth"]

README = """# Groundwork sample: multi-image grounding

Synthetic scenes of a hundred named objects (Fluent Emoji, MIT) over CC0 and public-domain photographs, 112 × 112.
`train.jsonl` ({train} rows) and the held-out files share no picture and no scene; within a split a picture serves
several rows. `heldout.jsonl` ({heldout} rows) has the tasks of the training rows. Five are named as in MIG-Bench:

- `common_object`: one object is in every image; locate it in Image-k.
- `diff`: two near-identical scenes; locate what is new in Image-2.
- `refer_grounding`: Image-1 shows an object alone; find it in another image.
- `region`: Image-1 is an enlarged crop; locate the region it was cut from.
- `group_grounding`: a named object is in exactly one image; find and locate it.

Six ask for relations:

- `position`: what is next to the left or right of a named object.
- `order`: an object in the first or the last of the images that show it.
- `count`: the object at one end of the image with most objects.
- `other_of_kind`: another thing of the kind that Image-1 shows.
- `moved`: what has another place in Image-2.
- `detail`: Image-1 shows half of an object, enlarged; locate the part.

`heldout-outside.jsonl` ({outside} rows) asks what no training row asks: `fewest`, `between`, `one_picture`,
`five_pictures`, `grid` (another layout), `absent` (the answer is nothing) and `every_one` (a box in each image).
`heldout-perception.jsonl` ({perception} rows) asks what the starter could do before: `locate`, `locate_in`; and, in the
manner of BLINK and MMIU, for a letter: `which_image`, `which_object`.

A row is MGrounding-630k's: `images`, `conversations` (`<image>` per picture, then the question; the answer as
`<think>…</think><answer>It's in the second image. <|box_start|>(x1,y1),(x2,y2)<|box_end|></answer>`), with boxes in
0–1000 relative to the image's width and height. Boxes are exact (from alpha masks). Licences: see NOTICE.md.
"""


def per_mille(box):
    return [round(v / SIDE * 1000) for v in box]


def jpeg(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88, optimize=True)
    return out.getvalue()


def said(thinking, answer) -> str:
    """An answer of places as (image, box), or a letter; with the thinking before it where there is any."""
    if isinstance(answer, str):
        return answer
    boxes = []
    for k, box in answer:
        x1, y1, x2, y2 = per_mille(box)
        boxes.append(f"It's in the {ORDINALS[k]} image. <|box_start|>({x1},{y1}),({x2},{y2})<|box_end|>")
    text = " ".join(boxes) or "[]"
    return text if thinking is None else f"<think>{thinking}</think><answer>{text}</answer>"


def placed(make):
    """A maker of one place as one of answers."""
    def answered(rng, pool):
        made = make(rng, pool)
        if made is None:
            return None
        shots, question, thinking, k, box, _ = made
        return shots, question, thinking, [(k, box)]
    return answered


def draw(rng, pool, makers, count, split, name, pictures, kept=None):
    """`count` different rows of each maker, of which `kept` stay. `name` begins their ids; their pictures are added."""
    rows = []
    for task, make in makers.items():
        seen, stay = set(), count if kept is None else kept - sum(f"{name}-{task}-" in row for row in RECORDED)
        while len(seen) < count:
            made = make(rng, pool)
            if made is None:
                continue
            shots, question, thinking, answer = made
            identity = (*(s.key for s in shots), question)
            if identity in seen:
                continue
            seen.add(identity)
            row_id = f"{name}-{task}-{len(seen):03d}"
            if row_id not in RECORDED:
                if stay == 0:
                    continue
                stay -= 1
            paths = []
            for shot in shots:
                path = f"images/{split}-{shot.key}.jpg"
                pictures.setdefault(path, shot.scene.image)
                paths.append(path)
            rows.append({
                "id": row_id, "task": task, "images": paths,
                "conversations": [
                    {"from": "human", "value": "<image>\n" * len(paths) + question},
                    {"from": "gpt", "value": said(thinking, answer)}],
                "type": f"{task}_{name}"})
    return rows


def files_of(split, size):
    """Rows by file, and the pictures of the split. Each part has a random stream of its own."""
    pictures = {}
    rng, related = rng_for(SEED, f"sample-{split}", 0), rng_for(SEED, f"sample-{split}", 1)
    rows = draw(rng, make_pool(rng, **POOLS[split]), {t: placed(m) for t, m in TASKS.items()}, size["rows"], split, split, pictures, size.get("kept"))
    pool = make_relation_pool(related, **size["pool"])
    rows += draw(related, pool, {t: placed(m) for t, m in RELATIONS.items()}, size["relations"], split, split, pictures)
    files = {split: [rows[i] for i in related.permutation(len(rows))]}
    if split == "heldout":
        apart = rng_for(SEED, f"sample-{split}", 2)
        pool.grids = [grid_scene(apart, f"g{n:03d}") for n in range(GRIDS)]
        for part, makers in (("outside", OUTSIDE), ("perception", PERCEPTION)):
            rows = draw(apart, pool, makers, EACH[part], split, f"{split}-{part}", pictures)
            files[f"{split}-{part}"] = [rows[i] for i in apart.permutation(len(rows))]
    return files, pictures


def main(path):
    files, hashes, counts = {}, {}, {}
    for split, size in SIZES.items():
        written, pictures = files_of(split, size)
        for name, rows in written.items():
            counts[name] = len(rows)
            files[f"{name}.jsonl"] = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()
        for name, pixels in pictures.items():
            files[name] = jpeg(pixels)
        hashes[split] = {hashlib.sha256(p.tobytes()).digest() for p in pictures.values()}
    assert not hashes["train"] & hashes["heldout"]
    notice = os.path.join(os.path.dirname(os.path.abspath(path)), "NOTICE.md")
    if os.path.exists(notice):
        files["NOTICE.md"] = open(notice, "rb").read()
    files["README.md"] = README.format(train=counts["train"], heldout=counts["heldout"], outside=counts["heldout-outside"],
                                       perception=counts["heldout-perception"]).encode()
    info = {f"groundwork_sample_{name.replace('-', '_')}": {
        "file_name": f"{name}.jsonl", "formatting": "sharegpt",
        "columns": {"messages": "conversations", "images": "images"},
        "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}} for name in counts}
    files["dataset_info.json"] = (json.dumps(info, indent=2) + "\n").encode()
    with zipfile.ZipFile(path, "w") as out:
        for name in sorted(files, key=lambda n: (n.startswith("images/"), n)):
            entry = zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            stored = zipfile.ZIP_STORED if name.endswith(".jpg") else zipfile.ZIP_DEFLATED
            out.writestr(entry, files[name], stored)
    total = sum(len(v) for n, v in files.items() if n.endswith(".jpg"))
    print({**counts, "pictures": {s: len(h) for s, h in hashes.items()}, "jpeg_bytes": total})


if __name__ == "__main__":
    main(sys.argv[1])
