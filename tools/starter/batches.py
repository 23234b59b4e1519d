"""Turns scenes and what is said about them into padded tensors. See speech.py for prefixes and segments."""

from functools import lru_cache

import numpy as np
import torch

from model import GRID, MERGED, ORDER, PATCH
from objects import NAMES
from scenes import SIDE, closeup, compose, rng_for
from speech import lookups, reasoned, several, single, text_only
from tasks import TASKS, make_pool

IMAGE_TOKENS = MERGED * MERGED


def patch_targets(scene):
    """Per patch in window order: class [64] (len(NAMES) is background) and box [64, 4] in 0..1."""
    if scene.owner is None:  # an enlarged crop: nothing is asked of its patches
        return np.full(64, -100), np.zeros((64, 4), np.float32)
    owner = scene.owner.reshape(GRID, PATCH, GRID, PATCH).transpose(0, 2, 1, 3).reshape(GRID * GRID, -1)
    counts = np.stack([(owner == i).sum(1) for i in range(len(scene.names))], 1)
    best = counts.argmax(1)
    hit = counts[np.arange(64), best] > 0.15 * PATCH * PATCH
    ids = np.array([NAMES.index(n) for n in scene.names])
    classes = np.where(hit, ids[best], len(NAMES))
    boxes = np.array(scene.boxes, np.float32)[best] / SIDE
    order = ORDER.numpy()
    return classes[order], boxes[order]


def token_shares(scene, i):
    """[16]: how object i is spread over the merged tokens, in raster order."""
    side = SIDE // MERGED
    count = (scene.owner == i).reshape(MERGED, side, MERGED, side).sum((1, 3)).reshape(-1).astype(np.float32)
    return count / count.sum()


class Writer:
    """Encodes one sample at a time into flat lists."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.encode = lru_cache(200_000)(lambda text: tuple(tokenizer.encode(text, add_special_tokens=False)))
        self.image = tokenizer.convert_tokens_to_ids("<|image_pad|>")
        self.opens = {self.encode(t)[0] for t in ('[{"bbox_2d": [', '{"bbox_2d": [', ', "bbox_2d": [')}
        self.end = tokenizer.convert_tokens_to_ids("<|im_end|>")

    def sample(self, image_count, pairs, newline=False, premises=""):
        ids, pos, seg, learn, points = [], [], [], [], []
        p = 0

        def text(tokens, segment, learned=False):
            nonlocal p
            for token in tokens:
                ids.append(token); pos.append((p, p, p)); seg.append(segment); learn.append(learned)
                p += 1

        if image_count:
            text(self.encode("<|im_start|>user\n"), 0)
            for _ in range(image_count):
                text(self.encode("<|vision_start|>"), 0)
                for i in range(MERGED):
                    for j in range(MERGED):
                        ids.append(self.image); pos.append((p, p + i, p + j)); seg.append(0); learn.append(False)
                p += MERGED
                text(self.encode("<|vision_end|>\n" if newline else "<|vision_end|>"), 0)
        text(self.encode(premises), 0)
        start = p
        for segment, (question, answer, *refs) in enumerate(pairs, 1):
            p = start
            refs = list(refs[0]) if refs else []
            if image_count:
                text(self.encode(question), segment)
                text(self.encode("<|im_end|>\n<|im_start|>assistant\n"), segment)
                for at, token in enumerate(self.encode(answer)):
                    if refs and token in self.opens:  # the four tokens before the four numbers
                        ref = refs.pop(0)
                        points += [(len(ids) + at + n, *ref) for n in range(4)]
                text(self.encode(answer), segment, True)
                text((self.end,), segment, True)
            else:
                text(self.encode(question), segment)
                text(self.encode(answer), segment, True)
        return ids, pos, seg, learn, points


def collate(writer, samples, images, targets, kind, scenes=None):
    width = max(len(s[0]) for s in samples)
    b = len(samples)
    ids = np.zeros((b, width), np.int64); pos = np.zeros((b, width, 3), np.int64)
    seg = np.full((b, width), -1, np.int64); learn = np.zeros((b, width), bool)
    for r, (i, p, s, l, _) in enumerate(samples):
        n = len(i)
        ids[r, :n], pos[r, :n], seg[r, :n], learn[r, :n] = i, p, s, l
    ids, seg = torch.from_numpy(ids), torch.from_numpy(seg)
    same = (seg[:, :, None] == seg[:, None, :]) | ((seg[:, None, :] == 0) & (seg[:, :, None] >= 0))
    mask = (same & torch.ones(width, width, dtype=torch.bool).tril())[:, None]
    out = dict(kind=kind, ids=ids, positions=torch.from_numpy(pos).permute(2, 0, 1).contiguous(), mask=mask,
               learn=torch.from_numpy(learn))
    if images:
        out["images"] = torch.from_numpy(np.stack(images))
        out["classes"] = torch.from_numpy(np.stack([t[0] for t in targets]))
        out["boxes"] = torch.from_numpy(np.stack([t[1] for t in targets]))
    rows = [(r, *point) for r, sample in enumerate(samples) for point in sample[4]]
    if scenes and rows:
        target, first = np.zeros((len(rows), width), np.float32), np.cumsum([0] + [len(s) for s in scenes])
        at_image = [np.nonzero(ids[r].numpy() == writer.image)[0] for r in range(b)]
        for n, (r, _, k, i) in enumerate(rows):
            target[n, at_image[r][k * IMAGE_TOKENS:(k + 1) * IMAGE_TOKENS]] = token_shares(scenes[r][k], i)
        out["points"] = torch.tensor([row[:2] for row in rows])
        out["point_targets"] = torch.from_numpy(target)
    return out


class Batches(torch.utils.data.IterableDataset):
    """Endless batches; `shares` gives the probabilities of the kinds "vision", "single", "several",
    "reasoned", "text", "lookup"."""

    def __init__(self, tokenizer, seed, start, shares, size, stride=1):
        self.tokenizer, self.seed, self.start, self.shares, self.size, self.stride = (
            tokenizer, seed, start, shares, size, stride)

    def __iter__(self):
        writer = Writer(self.tokenizer)
        self.pool, self.drawn = None, 0
        index = self.start
        while True:
            rng = rng_for(self.seed, "train", index)
            common = rng_for(self.seed, "train", 10**9 + index // self.stride)  # all ranks choose the same kind
            kind = common.choice(list(self.shares), p=list(self.shares.values()))
            index += self.stride
            drawn = [self.draw(writer, rng, kind) for _ in range(2 * self.count(kind))]
            drawn.sort(key=lambda d: len(d[0][0]))  # two batches of like lengths waste less padding
            for half in (drawn[:len(drawn) // 2], drawn[len(drawn) // 2:]):
                scenes = [scene for _, scenes in half for scene in scenes]
                yield collate(writer, [s for s, _ in half], [s.image for s in scenes],
                              [patch_targets(s) for s in scenes], str(kind), [scenes for _, scenes in half])

    def count(self, kind):
        return {"vision": self.size * 2, "several": self.size * 2 // 5, "reasoned": self.size * 3 // 5}.get(str(kind), self.size)

    def draw(self, writer, rng, kind):
        if kind == "text":
            return writer.sample(0, [text_only(rng) for _ in range(3)]), []
        if kind == "lookup":
            premises, pairs = lookups(rng)
            return writer.sample(0, pairs, premises=premises), []
        if kind == "reasoned":
            if self.pool is None or self.drawn >= 200:  # a fresh pool now and then
                self.pool, self.drawn = make_pool(rng, 60, 60), 0
            made = None
            while made is None:
                task = str(rng.choice(list(TASKS)))
                made = TASKS[task](rng, self.pool)
            self.drawn += 1
            return writer.sample(len(made[0]), [reasoned(rng, task, made)], rng.random() < 0.2), [s.scene for s in made[0]]
        if kind == "several":
            scenes = [closeup(rng) if rng.random() < 0.1 else compose(rng, fewest=1, most=3) for _ in range(rng.integers(2, 5))]
            return writer.sample(len(scenes), several(rng, scenes), rng.random() < 0.2), scenes
        scene = closeup(rng) if rng.random() < 0.1 else compose(rng, fewest=1)
        return writer.sample(1, [] if kind == "vision" else single(rng, scene), rng.random() < 0.1), [scene]
