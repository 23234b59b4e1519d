"""Trains the starter from scratch on a CPU; resumable, with a schedule in minutes rather than steps.

    FLUENT_EMOJI_DIR=…/package/assets torchrun --nproc-per-node 2 train.py --out RUN

Two processes of one thread each average their gradients once a step,
which suffers far less from a busy machine than two threads that meet in every matrix product.

First the vision tower alone with dense heads (class and box per patch), then everything together. The dense
heads, soft targets for numbers (a near miss is nearly right) and a loss that tells three attention heads where to
look while a box is written are scaffolding: none of it is in the model.
"""

import argparse
import json
import os
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from transformers import Qwen2_5_VLForConditionalGeneration

from batches import Batches
from model import ORDER, UNORDER, new_model, patches_of, text_forward, vision_forward
from muon import Muon
from objects import NAMES
from vocabulary import fast

CLASSES = len(NAMES) + 1
POINT_LAYERS = (2, 3)  # text layers of which three heads must look at the object while its box is written
WHICH = 4.0  # how much more a picture's name weighs than another token: few are learned, and most else follows from them
TAP = 1  # the text layer after which image tokens must know absolute boxes


class Heads(nn.Module):
    """Scaffolding: what each patch shows and how far its object's edges are."""

    def __init__(self, vision, text, tokenizer):
        super().__init__()
        rows = torch.zeros(len(NAMES), -(-len(tokenizer) // 32) * 32)
        for i, name in enumerate(NAMES):
            words = tokenizer.encode(" " + name)
            rows[i, words] = 1 / len(words)
        self.register_buffer("name_rows", rows, persistent=False)
        self.patch = nn.Linear(vision, CLASSES + 4)
        self.merged = nn.Linear(text, 4 * (CLASSES + 4))
        self.tapped = nn.Linear(text, 4 * 4)
        self.norm = nn.RMSNorm(text)


def soft_numbers(tokenizer, vocab, sigma=1.2):
    """
    [V] → row of a table of soft targets: a number's probability is spread over its neighbours of the same form. And
    the token after which a number is no coordinate but a picture's, and no near miss is nearly right; and the words
    that name a picture within a sentence.
    """
    rows, table = torch.full((vocab,), -1), []
    n = torch.arange(256).float()
    for form in ("{}", " {}", ", {}"):
        ids = torch.tensor([tokenizer.encode(form.format(i))[0] for i in range(256)])
        weights = torch.exp(-((n[:, None] - n[None]) ** 2) / (2 * sigma**2))
        weights[:, 113:] = 0
        weights[range(256), range(256)] = weights.diagonal().clamp(min=1e-3)
        target = torch.zeros(256, vocab)
        target[:, ids] = weights / weights.sum(1, keepdim=True)
        rows[ids] = torch.arange(256) + sum(t.shape[0] for t in table)
        table.append(target)
    names = torch.tensor([tokenizer.encode(f" Image-{k}")[0] for k in range(1, 5)])
    return rows, torch.cat(table), tokenizer.encode('{"image":')[0], names


def box_loss(predicted, target):
    """Smooth L1 plus 1 − IoU of boxes in 0..1; both [N, 4]."""
    l1 = F.smooth_l1_loss(predicted, target, beta=0.02, reduction="none").sum(1)
    lo, hi = torch.maximum(predicted[:, :2], target[:, :2]), torch.minimum(predicted[:, 2:], target[:, 2:])
    both = (hi - lo).clamp(min=0).prod(1)
    area = lambda b: (b[:, 2:] - b[:, :2]).clamp(min=0).prod(1)
    return (2 * l1 + 1 - both / (area(predicted) + area(target) - both + 1e-6)).mean()


def dense_losses(heads, centres, last, merged, batch):
    """Classification and box losses of the patch and merged heads; boxes are distances from the patch's centre."""
    classes, boxes = batch["classes"], batch["boxes"]
    raster = merged[:, torch.argsort(UNORDER)]  # merged tokens in window order, as the targets are
    total = 0
    for out in (heads.patch(last), heads.merged(raster).view(len(last), 64, CLASSES + 4)):
        hit = (classes >= 0) & (classes < len(NAMES))
        total = total + F.cross_entropy(out[..., :CLASSES].flatten(0, 1), classes.flatten())
        total = total + box_loss((out[..., CLASSES:] * 0.3 + centres)[hit], boxes[hit])
    return total


def step_loss(model, heads, soft, centres, batch, dense_weight, look_weight=1.0):
    parts = {}
    total = 0
    if "images" in batch:
        last, merged = vision_forward(model.model.visual, patches_of(batch["images"]))
        if dense_weight:
            dense = dense_losses(heads, centres, last, merged, batch)
            parts["dense"] = dense.item()
            total = dense_weight * dense
    if batch["kind"] == "vision":
        return total, parts
    ids, learn = batch["ids"], batch["learn"]
    x = model.get_input_embeddings()(ids)
    at_image = ids == model.config.image_token_id
    if "images" in batch:
        x = x.masked_scatter(at_image[..., None], merged)
    hidden, tapped, *looks = text_forward(model.model.language_model, x, batch["positions"], batch["mask"], TAP,
                                          batch.get("points"), POINT_LAYERS)
    if looks:
        target = batch["point_targets"][:, None]
        look = torch.stack([-(target * one.clamp(min=-30)).sum(-1).mean() for one in looks[0]]).mean()
        parts["look"] = look.item()
        total = total + look_weight * look
    if "images" in batch and dense_weight:
        tokens = heads.tapped(heads.norm(tapped[at_image])).view(-1, 16, 4, 4)[:, torch.argsort(UNORDER)].reshape(-1, 64, 4)
        hit = (batch["classes"] >= 0) & (batch["classes"] < len(NAMES))
        tap_loss = box_loss((tokens * 0.3 + 0.5)[hit], batch["boxes"][hit])
        # … and image tokens must resemble the words for what they show, which makes looking a word up easy.
        lens = heads.norm(tapped[at_image]) @ (heads.name_rows @ model.get_input_embeddings().weight).T
        shown = F.one_hot(torch.where(hit, batch["classes"], len(NAMES)), CLASSES)[..., :-1].view(-1, 16, 4, len(NAMES)).sum(2)[:, UNORDER].flatten(0, 1).float()
        some = shown.sum(1) > 0
        shown = shown[some] / shown[some].sum(1, keepdim=True)
        lens_loss = -(shown * (2 * lens[some]).log_softmax(-1)).sum(1).mean()
        parts["tap"], parts["lens"] = tap_loss.item(), lens_loss.item()
        total = total + dense_weight * (tap_loss + lens_loss)
    before = torch.zeros_like(learn)
    before[:, :-1] = learn[:, 1:]
    logits = F.linear(hidden[before], model.get_input_embeddings().weight)
    targets = ids[learn]
    rows, table, picture, pictures = soft
    logp = logits.log_softmax(-1)
    row = rows[targets]
    number = (row >= 0) & (ids[before] != picture)
    right = -logp[~number].gather(1, targets[~number, None])[:, 0]
    which = torch.isin(targets[~number], pictures)
    if which.any():
        parts["which"] = right[which].mean().item()
    hard = (right * torch.where(which, WHICH, 1.0)).sum()
    spread = -(table[row[number]] * logp[number]).sum()
    loss = (hard + spread) / len(targets)
    parts["hard"], parts["number"] = hard.item() / max(1, int((~number).sum())), spread.item() / max(1, int(number.sum()))
    return total + loss, parts


def optimizers(model, heads, lr, rank=0, world=1):
    matrices, rest = [], []
    for name, p in model.named_parameters():
        is_matrix = p.ndim == 2 and "embed_tokens" not in name
        (matrices if is_matrix else rest).append(p)
    muon = Muon(matrices, lr=lr, rank=rank, world=world)
    adam = torch.optim.AdamW([dict(params=rest), dict(params=list(heads.parameters()))], lr=lr, betas=(0.9, 0.98), weight_decay=0.0)
    return [muon, adam]


def average_gradients(params, world):
    if world > 1:
        params = [p for p in params if p.grad is not None]  # the same on every rank: the kind of batch decides
        flat = torch.cat([p.grad.flatten() for p in params])
        dist.all_reduce(flat)
        flat /= world
        for p, g in zip(params, flat.split([p.numel() for p in params])):
            p.grad = g.view_as(p)


def save(path, **state):
    torch.save(state, path + ".tmp")
    os.replace(path + ".tmp", path)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--out", required=True)
    a.add_argument("--minutes", type=float, default=68, help="of training in all, over every resumption")
    a.add_argument("--vision-minutes", type=float, default=8, help="of these, the vision tower alone")
    a.add_argument("--decay", type=float, default=0.35, help="last part of the time, with falling learning rate")
    a.add_argument("--lr", type=float, default=2e-3)
    a.add_argument("--batch", type=int, default=24, help="sequences per process")
    a.add_argument("--seed", type=int, default=20)
    a.add_argument("--several", type=float, default=0.2, help="share of batches with several pictures")
    a.add_argument("--dense", type=float, default=0.15, help="share of batches for the vision tower alone")
    a.add_argument("--reasoned", type=float, default=0.1, help="share of batches with thought-out tasks")
    a.add_argument("--text", type=float, default=0.04, help="share of batches of the tasks in words alone")
    a.add_argument("--lookup", type=float, default=0, help="share of batches that ask in which list a word stands")
    a.add_argument("--heads", type=float, default=0.5, help="weight of the losses of heads that are thrown away")
    a.add_argument("--threads", type=int, default=1, help="per process")
    a.add_argument("--initial", help="a checkpoint folder to start from in place of random weights")
    args = a.parse_args()
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        dist.init_process_group("gloo")
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    os.makedirs(args.out, exist_ok=True)
    tokenizer = fast()
    model = new_model(tokenizer)
    if args.initial:
        model.load_state_dict(Qwen2_5_VLForConditionalGeneration.from_pretrained(args.initial, dtype=torch.float32).state_dict())
    heads = Heads(128, 192, tokenizer)
    opts = optimizers(model, heads, args.lr, rank, world)
    soft = soft_numbers(tokenizer, model.config.text_config.vocab_size)
    centres = torch.stack([(ORDER % 8 + 0.5) / 8, (ORDER // 8 + 0.5) / 8] * 2, 1)
    every = list(model.parameters()) + list(heads.parameters())
    path, elapsed, steps, index, pictures = os.path.join(args.out, "state.pt"), 0.0, 0, 0, 0
    if os.path.exists(path):
        state = torch.load(path, weights_only=False)
        model.load_state_dict(state["model"]); heads.load_state_dict(state["heads"])
        for opt, s in zip(opts, state["opts"]):
            opt.load_state_dict(s)
        elapsed, steps, index, pictures = state["elapsed"], state["steps"], state["index"], state["pictures"]
    print("parameters", sum(p.numel() for p in model.parameters()), "resumed at", elapsed / 60, flush=True)

    def feed(shares):
        data = Batches(tokenizer, args.seed, index * world + rank, shares, args.batch, world)
        return iter(torch.utils.data.DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4))

    phase, source, last, shown, saved, averages = None, None, time.time(), 0, time.time(), {}
    while elapsed < args.minutes * 60:
        if world > 1:  # the ranks must agree on the time
            clock = torch.tensor([elapsed], dtype=torch.float64)
            dist.broadcast(clock, 0)
            elapsed = clock.item()
            if elapsed >= args.minutes * 60:
                break
        now = "vision" if elapsed < args.vision_minutes * 60 else "all"
        if now != phase:
            phase = now
            joint = dict(several=args.several, reasoned=args.reasoned, text=args.text, lookup=args.lookup, vision=args.dense)
            joint["single"] = 1 - sum(joint.values())
            source = feed(dict(vision=1.0) if now == "vision" else joint)
        batch = next(source)
        done = elapsed / (args.minutes * 60)
        rate = min(1.0, (steps + 1) / 60) * min(1.0, max(0.02, (1 - done) / args.decay))
        for opt in opts:
            for group in opt.param_groups:
                group["lr"] = args.lr * rate
        loss, parts = step_loss(model, heads, soft, centres, batch, 1.0 if batch["kind"] == "vision" else args.heads)
        for opt in opts:
            opt.zero_grad()
        loss.backward()
        average_gradients(every, world)
        nn.utils.clip_grad_norm_([p for p in model.parameters()], 2.0)
        for opt in opts:
            opt.step()
        steps += 1
        index += 1
        pictures += world * len(batch.get("images", ()))
        t = time.time()
        elapsed, last = elapsed + t - last, t
        for key, value in parts.items():
            key = f"{batch['kind']}.{key}"
            averages[key] = value if key not in averages else 0.95 * averages[key] + 0.05 * value
        if t - shown > 20 and rank == 0:
            shown = t
            print(json.dumps(dict(min=round(elapsed / 60, 2), step=steps, pictures=pictures, rate=round(rate, 3),
                                  **{k: round(v, 3) for k, v in averages.items()})), flush=True)
            averages = {}
        if t - saved > 90 and rank == 0:
            saved = t
            save(path, model=model.state_dict(), heads=heads.state_dict(), opts=[o.state_dict() for o in opts],
                 elapsed=elapsed, steps=steps, index=index, pictures=pictures)
    if rank == 0:
        save(path, model=model.state_dict(), heads=heads.state_dict(), opts=[o.state_dict() for o in opts],
             elapsed=elapsed, steps=steps, index=index, pictures=pictures)
        print("done", flush=True)


if __name__ == "__main__":
    main()
