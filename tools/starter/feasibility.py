"""Can the starter be taught the sample's tasks? LoRA SFT with PEFT, then greedy and sampled scores on held-out rows.

    python feasibility.py public/starter/model public/starter/sample.zip --rows 600 --epochs 3 --lr 2e-3

Reports Acc@0.5 (right image and IoU ≥ 0.5) per task for the base and after SFT, and, at temperature 1, how many
prompts succeed sometimes but not always: those are what GRPO can learn from.
"""

import argparse
import io
import json
import re
import time
import zipfile

import numpy as np
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from PIL import Image

from batches import Writer, collate
from evaluate import answers, boxes_in, image_in, iou, load, mean
from model import patches_of, text_forward, vision_forward
from scenes import SIDE

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ORDINALS = ["first", "second", "third", "fourth"]


def read_rows(path, split):
    """The sample's rows in the model's terms: question without <image>, answer as JSON in pixels."""
    archive = zipfile.ZipFile(path)
    pictures = {}
    rows = []
    for line in archive.read(f"{split}.jsonl").decode().splitlines():
        row = json.loads(line)
        human, gpt = (c["value"] for c in row["conversations"])
        for name in row["images"]:
            if name not in pictures:
                pictures[name] = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
        answered = re.fullmatch(
            r"<think>(.*)</think><answer>It's in the (\w+) image\. <\|box_start\|>\((\d+),(\d+)\),\((\d+),(\d+)\)<\|box_end\|></answer>", gpt)
        if answered is None:
            continue  # several boxes, none, or a letter
        thinking, ordinal, *box = answered.groups()
        box = [min(SIDE, round(int(v) / 1000 * SIDE)) for v in box]
        k = ORDINALS.index(ordinal) + 1
        rows.append(dict(task=row["task"], images=[pictures[n] for n in row["images"]], k=k, box=box,
                         question=human.replace("<image>\n", ""),
                         answer=f'<think>{thinking}</think><answer>{{"image": {k}, "bbox_2d": {box}}}</answer>'))
    return rows


def reward(text, row) -> float:
    found = boxes_in(text)
    return float(image_in(text) == row["k"] and bool(found) and iou(found[-1], row["box"]) >= 0.5)


def score(model, processor, rows, name, **options):
    started = time.time()
    texts = answers(model, processor, [(r["images"], r["question"]) for r in rows], tokens=90, **options)
    right = [reward(t, r) for t, r in zip(texts, rows)]
    tasks = {t: mean(v for v, r in zip(right, rows) if r["task"] == t) for t in sorted({r["task"] for r in rows})}
    print(json.dumps({"what": name, "n": len(rows), "acc@0.5": mean(right), **tasks,
                      "right_image": mean(image_in(t) == r["k"] for t, r in zip(texts, rows)),
                      "answered": mean("</answer>" in t for t in texts), "seconds": round(time.time() - started)}), flush=True)
    return texts, right


def sft(model, processor, rows, epochs, lr, batch):
    writer = Writer(processor.tokenizer)
    inner = model.get_base_model()
    with torch.no_grad():
        for row in rows:
            row["features"] = vision_forward(inner.model.visual, patches_of(torch.from_numpy(np.stack([np.asarray(i) for i in row["images"]]))))[1]
    parameters = [p for p in model.parameters() if p.requires_grad]
    print("trainable", sum(p.numel() for p in parameters))
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)
    steps, step, rng = epochs * len(rows) // batch, 0, np.random.default_rng(0)
    order = np.concatenate([rng.permutation(len(rows)) for _ in range(epochs)])
    for step in range(steps):
        part = [rows[i] for i in order[step * batch:(step + 1) * batch]]
        data = collate(writer, [writer.sample(len(r["images"]), [(r["question"], r["answer"])]) for r in part], None, None, "sft")
        ids, learn = data["ids"], data["learn"]
        x = inner.get_input_embeddings()(ids)
        at = (ids == inner.config.image_token_id)[..., None]
        x = x.masked_scatter(at, torch.cat([r["features"] for r in part]))
        hidden, _ = text_forward(inner.model.language_model, x, data["positions"], data["mask"])
        before = torch.zeros_like(learn)
        before[:, :-1] = learn[:, 1:]
        loss = F.cross_entropy(F.linear(hidden[before], inner.get_input_embeddings().weight), ids[learn])
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 10) * max(0.05, 1 - step / steps)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 20 == 0 or step == steps - 1:
            print("sft step", step, "of", steps, "loss", round(loss.item(), 3), flush=True)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model")
    a.add_argument("sample")
    a.add_argument("--rows", type=int, default=600)
    a.add_argument("--epochs", type=int, default=3)
    a.add_argument("--lr", type=float, default=2e-3)
    a.add_argument("--batch", type=int, default=8)
    a.add_argument("--rank", type=int, default=16)
    a.add_argument("--heldout", type=int, default=200)
    a.add_argument("--sampled", type=int, default=50, help="held-out prompts sampled eight times each")
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--save")
    args = a.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model, processor = load(args.model)
    test = read_rows(args.sample, "heldout")[:args.heldout]
    base, _ = score(model, processor, test, "base")
    for t, r in list(zip(base, test))[:4]:
        print("   ", r["question"], "→", t[:120])
    config = LoraConfig(r=args.rank, lora_alpha=2 * args.rank, target_modules=r".*language_model.*\.(" + "|".join(LINEARS) + ")", lora_dropout=0.0)
    model = get_peft_model(model, config)
    started = time.time()
    sft(model, processor, read_rows(args.sample, "train")[:args.rows], args.epochs, args.lr, args.batch)
    print("sft seconds", round(time.time() - started))
    if args.save:
        model.save_pretrained(args.save)
    model.eval()
    tuned, right = score(model, processor, test, "after sft")
    for t, r, v in list(zip(tuned, test, right))[:4]:
        print("   ", v, t, "| truth:", r["answer"])
    if args.sampled:
        some = [r for r in test[:args.sampled] for _ in range(8)]
        _, right = score(model, processor, some, "sampled at temperature 1", do_sample=True, temperature=1.0, top_k=0, top_p=1.0)
        rates = np.array(right).reshape(-1, 8).mean(1)
        print(json.dumps({"mean": float(rates.mean()), "always": float((rates == 1).mean()), "never": float((rates == 0).mean()),
                          "sometimes": float(((rates > 0) & (rates < 1)).mean())}))


if __name__ == "__main__":
    main()
