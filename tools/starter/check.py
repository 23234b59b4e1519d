"""Checks what is in public/starter: python check.py public/starter

The fast forwards equal transformers' own, the tokenizer keeps its promises, sizes are within bounds, and the two
splits of the sample share no picture and no scene.
"""

import hashlib
import json
import os
import sys
import zipfile

import torch

from batches import Writer, collate
from evaluate import load
from feasibility import read_rows
from model import patches_of, text_forward, vision_forward
from objects import NAMES
from scenes import compose, rng_for
from speech import several


def forwards(model, processor):
    rng = rng_for(3, "train", 0)
    scenes = [compose(rng) for _ in range(3)]
    pairs = several(rng, scenes)
    data = collate(Writer(processor.tokenizer), [Writer(processor.tokenizer).sample(3, pairs)], [s.image for s in scenes],
                   [(0, 0)] * 3, "several")
    with torch.no_grad():
        _, merged = vision_forward(model.model.visual, patches_of(data["images"]))
        pixels = processor.image_processor(images=[s.image for s in scenes], return_tensors="pt")
        theirs = model.model.visual(pixels["pixel_values"].float(), pixels["image_grid_thw"]).pooler_output
        print("image features differ by", (theirs - merged.flatten(0, 1)).abs().max().item())
        assert torch.allclose(theirs, merged.flatten(0, 1), atol=2e-3)
        at = (data["ids"] == model.config.image_token_id)[..., None]
        x = model.get_input_embeddings()(data["ids"]).masked_scatter(at, merged)
        hidden, _ = text_forward(model.model.language_model, x, data["positions"], data["mask"])
        segments = torch.tensor(Writer(processor.tokenizer).sample(3, pairs)[2])
        for segment in (1, len(pairs)):
            keep = ((segments == 0) | (segments == segment)).nonzero()[:, 0]
            ids = data["ids"][:, keep]
            theirs = model(input_ids=ids, mm_token_type_ids=(ids == model.config.image_token_id).long(), **pixels).logits[0]
            ours = hidden[0, keep] @ model.get_input_embeddings().weight.T
            print("logits differ by", (theirs - ours).abs().max().item(), "of", theirs.abs().max().item())
            assert torch.allclose(theirs, ours, atol=5e-3)


def tokens(tokenizer):
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False)
    for n in range(256):
        assert all(len(encode(form.format(n))) == 1 for form in ("{}", " {}", ", {}"))
    assert all(len(encode(form + name)) == len(name.split()) for name in NAMES for form in ("", " "))
    for text in ("héllo 世界 🎉 x_y=3;\n\tfoo  bar  ", '[{"bbox_2d": [12, 30, 55, 80], "label": "red apple"}]'):
        assert tokenizer.decode(encode(text), skip_special_tokens=False) == text
    assert len(encode('[{"bbox_2d": [12, 30, 55, 80], "label": "cat"}]')) == 8


def sample(path):
    archive = zipfile.ZipFile(path)
    pictures, families = {}, {}
    for split in ("train", "heldout"):
        rows = [json.loads(line) for line in archive.read(f"{split}.jsonl").decode().splitlines()]
        if split == "heldout":
            for part in ("outside", "perception"):
                rows += [json.loads(line) for line in archive.read(f"heldout-{part}.jsonl").decode().splitlines()]
        names = {name for row in rows for name in row["images"]}
        pictures[split] = {hashlib.sha256(archive.read(name)).digest() for name in names}
        assert all(row["conversations"][0]["value"].count("<image>") == len(row["images"]) for row in rows)
        print(split, len(rows), "rows,", len(names), "pictures,", len(read_rows(path, split)), "parsed")
    assert not pictures["train"] & pictures["heldout"]
    assert len(rows) >= 1000


def main(folder):
    torch.set_num_threads(1)
    model, processor = load(os.path.join(folder, "model"))
    count = sum(p.numel() for p in model.parameters())
    size = sum(os.path.getsize(os.path.join(base, f)) for base, _, files in os.walk(folder) for f in files)
    print(count, "parameters,", size, "bytes in all")
    assert count <= 4_000_000 and size <= 16 * 2**20
    tokens(processor.tokenizer)
    sample(os.path.join(folder, "sample.zip"))
    forwards(model, processor)
    print("ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
