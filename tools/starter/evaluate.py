"""Greedy scores with transformers' own classes on unseen scenes: python evaluate.py MODEL [--scenes 100]

Referring: "Locate the X." for every object; right when IoU ≥ 0.5. Detection: "Locate every object.".
Addressing: "Locate the X in Image-k." over 2–4 pictures; right when the image is right too.
"""

import argparse
import json
import re

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from scenes import compose, rng_for
from speech import LOCATE


class StillsProcessor:
    """What Qwen2_5_VLProcessor does with text and still pictures, from the same tokenizer and image processor."""

    def __init__(self, image_processor, tokenizer):
        self.image_processor, self.tokenizer = image_processor, tokenizer
        self.apply_chat_template, self.batch_decode = tokenizer.apply_chat_template, tokenizer.batch_decode

    def __call__(self, text, images, **options):
        pixels = self.image_processor(images=images, return_tensors="pt")
        counts = iter((pixels["image_grid_thw"].prod(1) // 4).tolist())
        pad = "<|image_pad|>"
        text = [re.sub(re.escape(pad), lambda _: pad * next(counts), t) for t in text]
        inputs = self.tokenizer(text, **options)
        inputs["mm_token_type_ids"] = (inputs["input_ids"] == self.tokenizer.convert_tokens_to_ids(pad)).long()
        return {**inputs, **pixels}


def load_processor(path):
    """AutoProcessor, or the same by hand where torchvision (needed only for video) is missing."""
    try:
        return AutoProcessor.from_pretrained(path)
    except ImportError:
        return StillsProcessor(AutoImageProcessor.from_pretrained(path), AutoTokenizer.from_pretrained(path))


def load(path, adapter=None):
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(path, dtype=torch.float32).eval()
    processor = load_processor(path)
    processor.tokenizer.padding_side = "left"
    if adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, adapter).eval()
    return model, processor


def prompt(processor, images: int, question: str) -> str:
    content = [{"type": "image"}] * images + [{"type": "text", "text": question}]
    return processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)


@torch.no_grad()
def answers(model, processor, rows, tokens=16, batch=50, **options):
    """rows: (list of PIL images, question) → answer texts."""
    out = []
    for start in range(0, len(rows), batch):
        part = rows[start:start + batch]
        inputs = processor(text=[prompt(processor, len(i), q) for i, q in part],
                           images=[i for images, _ in part for i in images], return_tensors="pt", padding=True)
        made = model.generate(**inputs, max_new_tokens=tokens, **options)
        texts = processor.batch_decode(made[:, inputs["input_ids"].shape[1]:], skip_special_tokens=False)
        out += [t.split("<|im_end|>")[0] for t in texts]
    return out


def iou(a, b) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0, w) * max(0, h)
    area = lambda c: max(0, c[2] - c[0]) * max(0, c[3] - c[1])
    return both / max(1e-9, area(a) + area(b) - both)


def boxes_in(text):
    return [list(map(int, m)) for m in re.findall(r'"bbox_2d": \[(\d+), (\d+), (\d+), (\d+)\]', text)]


def image_in(text):
    found = re.search(r'"image": (\d+)', text)
    return int(found[1]) if found else None


def held_out(count, several=0):
    out = []
    for i in range(count):
        rng = rng_for(99, "heldout", i + 10**6 * bool(several))
        if several:
            out.append([compose(rng, fewest=1, most=3) for _ in range(rng.integers(2, 5))])
        else:
            out.append(compose(rng, fewest=1))
    return out


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model")
    a.add_argument("--scenes", type=int, default=100)
    a.add_argument("--threads", type=int, default=2)
    args = a.parse_args()
    torch.set_num_threads(args.threads)
    model, processor = load(args.model)
    scores = {}

    scenes = held_out(args.scenes)
    asked = [(s, i) for s in scenes for i in range(len(s.names))]
    texts = answers(model, processor, [([Image.fromarray(s.image)], LOCATE[k % 4].format(s.names[i])) for k, (s, i) in enumerate(asked)])
    ious = [iou((boxes_in(t) or [[0] * 4])[0], s.boxes[i]) for t, (s, i) in zip(texts, asked)]
    scores["referring"] = {"n": len(ious), "acc@0.5": mean(v >= 0.5 for v in ious), "acc@0.7": mean(v >= 0.7 for v in ious), "mean_iou": mean(ious)}

    few = scenes[:args.scenes // 2]
    texts = answers(model, processor, [([Image.fromarray(s.image)], "Locate every object.") for s in few], tokens=60)
    hits = total = said = 0
    for text, s in zip(texts, few):
        found = re.findall(r'"bbox_2d": \[(\d+), (\d+), (\d+), (\d+)\], "label": "([^"]*)"', text)
        said += len(found)
        total += len(s.names)
        hits += sum(any(f[4] == n and iou(list(map(int, f[:4])), b) >= 0.5 for f in found) for n, b in zip(s.names, s.boxes))
    scores["detection"] = {"n": total, "recall@0.5": hits / total, "precision@0.5": hits / max(1, said)}

    groups = held_out(args.scenes, several=1)
    asked = []
    for i, group in enumerate(groups):
        k = i % len(group)
        asked.append((group, k, i % len(group[k].names)))
    texts = answers(model, processor, [([Image.fromarray(s.image) for s in g], f"Locate the {g[k].names[j]} in Image-{k + 1}.") for g, k, j in asked], tokens=18)
    right = [image_in(t) == k + 1 and iou((boxes_in(t) or [[0] * 4])[0], g[k].boxes[j]) >= 0.5 for t, (g, k, j) in zip(texts, asked)]
    scores["addressing"] = {"n": len(right), "acc@0.5": mean(right)}
    print(json.dumps(scores, indent=1))
    for t in texts[:3]:
        print(t)


def mean(values):
    values = list(values)
    return round(sum(values) / max(1, len(values)), 4)


if __name__ == "__main__":
    main()
