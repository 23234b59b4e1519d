"""Writes the sample dataset: python dataset.py public/starter/sample.zip. See tasks.py for what is asked.

Rows are in MGrounding-630k's form (LLaVA conversations, boxes in 0–1000 of the image) with MIG-Bench's task keys.
Training and held-out rows are made from two pools of scenes that come from different random streams; no picture,
and so no scene, is in both, which is asserted. Within a split a scene serves several rows.
"""

import hashlib
import io
import json
import os
import sys
import zipfile

from PIL import Image

from scenes import SIDE, rng_for
from tasks import TASKS, make_pool

SEED = 7
SIZES = {"train": dict(rows=240, bases=330, alone=100), "heldout": dict(rows=100, bases=140, alone=70)}
ORDINALS = ["first", "second", "third", "fourth"]

README = """# Groundwork sample: multi-image grounding

Synthetic scenes of a hundred named objects (Fluent Emoji, MIT) over CC0 and public-domain photographs, 112 × 112.
`train.jsonl` ({train} rows) and `heldout.jsonl` ({heldout} rows) share no picture and no scene; within a file a
picture serves several rows. Five tasks, named as in MIG-Bench:

- `common_object`: one object is in every image; locate it in Image-k.
- `diff`: two near-identical scenes; locate what is new in Image-2.
- `refer_grounding`: Image-1 shows an object alone; find it in another image.
- `region`: Image-1 is an enlarged crop; locate the region it was cut from.
- `group_grounding`: a named object is in exactly one image; find and locate it.

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


def rows_of(split, size):
    rng = rng_for(SEED, f"sample-{split}", 0)
    pool = make_pool(rng, size["bases"], size["alone"])
    rows, pictures = [], {}
    for task, make in TASKS.items():
        seen = set()
        while len(seen) < size["rows"]:
            made = make(rng, pool)
            if made is None:
                continue
            shots, question, thinking, k, box, _ = made
            identity = (*(s.key for s in shots), question, k)
            if identity in seen:
                continue
            seen.add(identity)
            paths = []
            for shot in shots:
                path = f"images/{split}-{shot.key}.jpg"
                pictures.setdefault(path, shot.scene.image)
                paths.append(path)
            x1, y1, x2, y2 = per_mille(box)
            rows.append({
                "id": f"{split}-{task}-{len(seen):03d}", "task": task, "images": paths,
                "conversations": [
                    {"from": "human", "value": "<image>\n" * len(paths) + question},
                    {"from": "gpt", "value": f"<think>{thinking}</think><answer>It's in the {ORDINALS[k]} image. "
                                             f"<|box_start|>({x1},{y1}),({x2},{y2})<|box_end|></answer>"}],
                "type": f"{task}_{split}"})
    order = rng.permutation(len(rows))
    return [rows[i] for i in order], pictures


def main(path):
    files, hashes, counts = {}, {}, {}
    for split, size in SIZES.items():
        rows, pictures = rows_of(split, size)
        counts[split] = len(rows)
        files[f"{split}.jsonl"] = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()
        for name, pixels in pictures.items():
            files[name] = jpeg(pixels)
        hashes[split] = {hashlib.sha256(p.tobytes()).digest() for p in pictures.values()}
    assert not hashes["train"] & hashes["heldout"]
    notice = os.path.join(os.path.dirname(os.path.abspath(path)), "NOTICE.md")
    if os.path.exists(notice):
        files["NOTICE.md"] = open(notice, "rb").read()
    files["README.md"] = README.format(**counts).encode()
    info = {f"groundwork_sample_{s}": {
        "file_name": f"{s}.jsonl", "formatting": "sharegpt",
        "columns": {"messages": "conversations", "images": "images"},
        "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}} for s in SIZES}
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
