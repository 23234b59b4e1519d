"""Scores of made-up answers by the published scripts of benchmarks, for tests/benchmarks/golden.test.ts.

    python -m tools.reference.benchmark_scores --sources DIR

DIR holds the published repositories, each under its own name: Migician, UniVG-R1, MC-Bench, BLINK_Benchmark, MMIU,
lmms-eval, VLMEvalKit, Ref-L4. Their functions are taken out of their files and run; nothing of them is kept. Rows,
answers and sizes are made here. pycocotools computes MC-Bench's and ODinW's precision. Where a script's scoring is not a
function of its own (UniVG-R1's zero-shot files), its steps are repeated here around its own overlap.
"""

import argparse
import ast
import contextlib
import io
import itertools
import json
import math
import random
import re
import tempfile
import types
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "benchmark-scores.json"


def published(path: Path, scope: dict, class_bases: bool = False) -> types.SimpleNamespace:
    """Functions, classes and plain constants of a published file, without its imports."""
    keep = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and not class_bases:
            node.bases = []
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            keep.append(node)
        elif isinstance(node, ast.Assign) and not any(isinstance(n, ast.Call) for n in ast.walk(node)):
            keep.append(node)
    names = dict(scope)
    exec(compile(ast.Module(body=keep, type_ignores=[]), str(path), "exec"), names)  # noqa: S102
    return types.SimpleNamespace(**names)


def assignment(cost):
    """scipy's linear_sum_assignment for small matrices: every way is tried."""
    cost = np.asarray(cost)
    rows, columns = cost.shape
    if rows > columns:
        c, r = assignment(cost.T)
        order = np.argsort(r)
        return np.asarray(r)[order], np.asarray(c)[order]
    best = min(itertools.permutations(range(columns), rows), key=lambda p: sum(cost[i, j] for i, j in enumerate(p)))
    return np.arange(rows), np.asarray(best)


BOX_TEXTS = [
    "(100,200),(300,400)",
    "<|box_start|>(100,200),(300,400)<|box_end|>",
    "It is at (120, 210), (310, 405).",
    "<think>(1,2),(3,4) is not it</think><answer>(100,200),(300,400)</answer>",
    "[0.1, 0.2, 0.3, 0.4]",
    "[0.10,0.21,0.30,0.44] or [0.5, 0.5, 0.9, 0.9]",
    "(0.1,0.2),(0.3,0.4)",
    "(0.12, 0.2, 0.3, 0.41)",
    "[100, 200, 300, 400]",
    "[[100, 200, 300, 400]]",
    "<box>100 200 300 400</box>",
    "(1,1),(300,400)",
    "(1,1),(300,400) and (1,1),(900,900)",
    "(300,400),(100,200)",
    "(300,200),(100,400)",
    "(0,0),(1000,1000)",
    "bbox: 100 200 300 400",
    '{"bbox_2d": [100, 200, 300, 400]}',
    '```json\n[{"bbox_2d": [64, 96, 190, 190], "label": "cat"}]\n```',
    '{"bbox_2d": null}',
    '{"bbox_2d": ["64", "96", "190", "190"]}',
    "[64, 96, 190, 190]",
    "x 1e2, 2e2, 3e2, 4e2",
    "[-5, -5, 2000, 2000]",
    "There is no such object.",
    "",
]


def migician(source: Path) -> dict:
    utils = published(source / "Migician/eval/utils.py", {"re": re})
    answers = [[0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 1.0, 1.048], [0.5, 0.5, 0.9, 0.9]]
    rows = [
        {"task": task, "images": ["a.png", "b.png"], "question": "Locate it in Image-2. ", "answer": answer, "additional_info": "", "need_format": True}
        for task, answer in zip(["region", "diff", "region"], answers)
    ]
    scores = [[utils.calculate_iou(row["answer"], utils.extract_bbox(text)) for text in BOX_TEXTS] for row in rows]
    return {"rows": rows, "texts": BOX_TEXTS, "scores": scores}


def revised(source: Path) -> dict:
    utils = published(source / "UniVG-R1/eval/MIG_bench/utils.py", {"re": re})
    answers = [[100, 200, 300, 400], [0, 0, 1000, 1000]]
    rows = [
        {"task": "region", "images": ["a.png", "b.png"], "question": "Locate it in Image-2. ", "answer": answer, "additional_info": "", "need_format": True}
        for answer in answers
    ]
    scores = [[utils.calculate_iou(row["answer"], utils.extract_bbox(text)) for text in BOX_TEXTS] for row in rows]
    return {"rows": rows, "texts": BOX_TEXTS, "scores": scores}


def zero_shot(source: Path) -> dict:
    script = published(source / "UniVG-R1/eval/zero_shot/lisa_evaluation/eval.py", {})
    pattern = r"\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*,\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)"
    size = (640, 480)
    rows = [
        {"image_path": "a.png", "instruction": "what one drinks from", "boxes": [[64, 96, 192, 192], [0, 0, 1, 1]]},
        {"image_path": "a.png", "instruction": "what lies at (100,200),(300,400)", "boxes": [[64, 96, 192, 192]]},
    ]

    def score(row, text):
        try:
            truth = [n / size[i % 2] for i, n in enumerate(row["boxes"][0])]
            first = re.findall(pattern, row["instruction"] + "\n" + text)[0]
            return script.compute_iou([int(n) / 1000 for n in first], truth)
        except Exception:
            return 0

    return {"rows": rows, "texts": BOX_TEXTS, "size": size, "scores": [[score(row, text) for text in BOX_TEXTS] for row in rows]}


def blink(source: Path) -> dict:
    judged = "JUDGE"
    script = published(source / "BLINK_Benchmark/eval/test_benchmark.py", {"match_multiple_choice": lambda *_: judged})
    row = {"idx": "val_Counting_1", "sub_task": "Counting", "question": "How many?", "prompt": "How many?\n(A) 1\n(B) 2\n(C) 3", "choices": ["1", "2", "3"], "answer": "(B)", "image_1": "a.png"}
    texts = ["B", "(B)", "(A)", "E", "(E)", "B.", "The answer is (B)", "The answer is (B).", "(A) or (B)", "(A) and (C)\n\nso (B)", "(B)\n\n(A) (C)", "(A)\n\n(B) (C)", "(A) (B)\n\nnone", "I see two", "", " (B) ", "(D)", "b", "(b)", "(B)\t(B)\nyes"]
    predictions = [script.analyze_answer(row, text, ["(A)", "(B)", "(C)"]) for text in texts]
    return {"rows": [row], "texts": texts, "scores": [[float(p == row["answer"]) for p in predictions]], "judge": [[p == judged for p in predictions]]}


def mmiu(source: Path) -> dict:
    class Client:
        def __init__(self, **_):
            self.chat = self
            self.completions = self

        def create(self, **_):
            raise RuntimeError("the judge")

    script = published(source / "MMIU/evaluate.py", {"re": re, "OpenAI": Client})
    row = {"task": "x", "question": "Which?", "context": "Select.\nA: left\nB: right", "options": "A: left\nB: right", "input_image_path": ["./a.png", "./b.png"], "output": "B"}
    texts = ["B", "b", "(B)", "B.", "(B).", "A", "The answer is B", "", "image error", "n", "z", " B ", "B\u00a0", ",B", "BA"]
    choices = []
    with contextlib.redirect_stdout(io.StringIO()):
        for text in texts:
            choices.append(script.process_data(({**row, "m": text}, "m"))["m_choice"])
    judge = [choice == "GPT error" for choice in choices]
    # evaluate_correct.py: a choice within the lower-case output counts, and rows without a judge's word are left out.
    scores = [float(not j and choice.strip().lower() in row["output"].strip().lower()) for choice, j in zip(choices, judge)]
    return {"rows": [row], "texts": texts, "scores": [scores], "judge": [judge]}


def refcoco(source: Path) -> dict:
    script = published(source / "lmms-eval/lmms_eval/tasks/refcoco/utils_rec.py", {"re": re, "Dataset": None})
    size = (640, 480)
    row = {"question_id": "1", "image": "a.png", "question": "", "answer": ["the cup"], "segmentation": [1.0], "bbox": [64, 96, 128, 96], "iscrowd": 0, "file_name": "a.png"}
    x, y, w, h = row["bbox"]
    truth = [x / size[0], y / size[1], (x + w) / size[0], (y + h) / size[1]]
    boxes = [script.parse_float_sequence_within(text) for text in BOX_TEXTS]
    return {
        "rows": [row],
        "texts": BOX_TEXTS,
        "size": size,
        "scores": [[script.compute_iou(truth, box) for box in boxes]],
        "centre": [[script.compute_center_accuracy(truth, box) for box in boxes]],
    }


def refcoco_tsv(source: Path) -> dict:
    from typing import Dict, List, Optional

    import pandas as pd

    scope = {"re": re, "np": np, "pd": pd, "Optional": Optional, "Dict": Dict, "List": List}
    script = published(source / "VLMEvalKit/vlmeval/dataset/refcoco.py", scope).RefCOCODataset
    size = (640, 480)
    row = {"index": 7, "image": "a.png", "question": "Where is the cup?", "category": "RefCOCO test A", "bbox_x1": 64, "bbox_y1": 96, "bbox_x2": 192, "bbox_y2": 192, "width": 640, "height": 480}
    truth = np.array([row[f"bbox_{k}"] for k in ("x1", "y1", "x2", "y2")], dtype=float)

    def score(text):
        found = script._parse_prediction(text)
        return 0.0 if found is None else float(script._compute_iou(script._to_absolute(found, *map(float, size)), truth))

    return {"rows": [row], "texts": BOX_TEXTS, "size": size, "scores": [[score(text) for text in BOX_TEXTS]]}


def grounding_me(source: Path) -> dict:
    script = published(source / "VLMEvalKit/vlmeval/dataset/groundingme.py", {"re": re, "json": json}, class_bases=False)
    size = (640, 480)
    rows = [
        {"index": 1, "image": "a.png", "question": "the cup", "answer": "[64, 96, 192, 192]", "subtask_l1": "Spatial", "subtask_l2": "left", "width": 640, "height": 480},
        {"index": 2, "image": "a.png", "question": "the green cup", "answer": "", "subtask_l1": "Rejection", "subtask_l2": "", "width": 640, "height": 480},
    ]

    def score(row, text):
        truth = [0, 0, 0, 0] if row["subtask_l1"] == "Rejection" else json.loads(row["answer"])
        box = script.parse_bbox(text)
        return max(script.compute_iou(truth, each) for each in (box, script.normalize_bbox(box, *size)))

    return {"rows": rows, "texts": BOX_TEXTS, "size": size, "scores": [[score(row, text) for text in BOX_TEXTS] for row in rows]}


def ref_l4(source: Path) -> dict:
    overlaps = published(source / "Ref-L4/ref_l4/overlaps.py", {"torch": torch})
    from statistics import mean

    import pandas as pd

    scope = {"torch": torch, "mean": mean, "math": math, "np": np, "pd": pd, "bbox_overlaps": overlaps.bbox_overlaps, "RefL4Dataset": object}
    script = published(source / "Ref-L4/ref_l4/evaluation.py", scope)
    draw = random.Random(4)
    rows, given = [], []
    for i in range(36):
        side = draw.choice([40, 150, 300])
        x, y, w, h = draw.randrange(0, 200), draw.randrange(0, 150), side + draw.randrange(0, 60), side + draw.randrange(0, 20)
        rows.append({"id": f"{i:06}", "caption": f"thing {i}", "bbox": [x, y, w, h], "ori_category_id": draw.choice(["refcoco_1", "o365_1", "refcoco_50", "o365_7"]), "image_id": i, "file_name": "a.png", "split": "val", "height": 480, "width": 640})
        shift = draw.choice([0, 2, 10, 30, 400])
        given.append([x + shift, y + shift / 2, x + w + shift, y + h])
    data = types.SimpleNamespace(dataset={"val": rows}, split="val")
    with contextlib.redirect_stdout(io.StringIO()):
        figures = script.RefL4Evaluator(data).evaluate([{"id": row["id"], "pred_bbox": box, "format": "xyxy"} for row, box in zip(rows, given)])
    return {"rows": rows, "given": given, "size": (640, 480), "figures": {k: v for k, v in figures.items() if isinstance(v, (int, float))}}


def odinw(source: Path) -> dict:
    from typing import Any, Dict, List, Tuple

    import logging

    scope = {"re": re, "json": json, "Any": Any, "Dict": Dict, "List": List, "Tuple": Tuple, "Dataset": None, "eval_logger": logging.getLogger("odinw")}
    script = published(source / "lmms-eval/lmms_eval/tasks/odinw13/utils.py", scope)
    draw = random.Random(13)
    size = (640, 480)
    names = ["Cat", "dog", "bird"]
    rows, texts, records = [], [], []
    for i in range(30):
        boxes, labels, said = [], [], []
        for _ in range(draw.randrange(0, 5)):
            x, y = draw.randrange(0, 400), draw.randrange(0, 300)
            box = [x, y, x + draw.randrange(20, 200), y + draw.randrange(20, 150)]
            boxes.append(box)
            labels.append(draw.choice(names))
            if draw.random() < 0.8:
                moved = [n + draw.choice([0, 0, 3, -6, 15]) for n in box]
                as_read = draw.choice(["pixels", "thousand", "fraction"])
                if as_read != "pixels":
                    by = 1000 if as_read == "thousand" else 1
                    moved = [round(n / size[k % 2] * by, 3) for k, n in enumerate(moved)]
                said.append({draw.choice(["bbox_2d", "bbox", "box"]): moved, draw.choice(["label", "class"]): draw.choice([labels[-1], labels[-1].upper(), "fox"])})
        if draw.random() < 0.5:
            said.append({"bbox_2d": [10, 10, 60, 60], "label": draw.choice(names)})
        form = draw.randrange(5)
        text = json.dumps(said)
        text = [text, f"```json\n{text}\n```", f"Here: {text[:-4]}", " ".join(json.dumps(s) for s in said) + " end", json.dumps({"objects": said})][form]
        rows.append({"image": "a.png", "dataset_name": ["Aquarium", "pothole"][i % 2], "categories": names, "bboxes": boxes, "labels": labels})
        texts.append(text)
        doc = {**rows[-1], "image_id": i, "image_width": size[0], "image_height": size[1]}
        records.append(script.odinw13_process_results(doc, [text])["odinw13_IoU"])
    with contextlib.redirect_stdout(io.StringIO()):
        figures = {"map": script.odinw13_map(records), "map50": script.odinw13_map50(records), "map75": script.odinw13_map75(records), "mean-iou": script.odinw13_iou(records), "acc@0.5": script._make_acc_aggregator(0.5)(records)}
    return {"rows": rows, "texts": texts, "size": size, "figures": figures}


def mc_bench(source: Path) -> dict:
    import pycocotools.mask as mask_utils
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    scope = {"json": json, "itertools": itertools, "np": np, "linear_sum_assignment": assignment, "maskUtils": mask_utils, "COCO": COCO, "COCOeval": COCOeval}
    script = published(source / "MC-Bench/eval_mc_bench.py", scope)
    sets = []
    for seed, pairs in ((1, 6), (2, 14), (3, 40)):
        draw = random.Random(seed)
        images, annotations, descriptions, results = [], [], [], []
        for p in range(pairs):
            ids = [10 * p + 3, 10 * p + 7]
            descriptions.append({"id": p, "images_id": ids, "text": f"thing {p}", "positive_sample": True, "text_style": draw.choice(["referring", "comparison", "reasoning"])})
            groups = draw.choice([0, 1, 1, 1, 2, 2])
            for k, image in enumerate(ids):
                images.append({"id": image, "text_id": p, "pair_image_id": ids[1 - k], "file_name": f"{image}.png", "width": 200, "height": 100})
                for group in range(1, groups + 1):
                    for _ in range(draw.randrange(0, 3)):
                        x, y = draw.randrange(0, 120), draw.randrange(0, 50)
                        box = [x, y, draw.randrange(20, 70), draw.randrange(20, 45)]
                        annotations.append({"id": len(annotations) + 1, "image_id": image, "text_id": p, "category_id": group, "area": box[2] * box[3], "bbox": box, "iscrowd": 0})
                        if draw.random() < 0.8:
                            moved = [box[0] + draw.choice([0, 2, 5, 30]), box[1], box[2], box[3]]
                            results.append({"image_id": image, "category_id": group if draw.random() < 0.5 else 3 - group, "bbox": moved, "score": 1.0})
                if draw.random() < 0.2:
                    results.append({"image_id": image, "category_id": 1, "bbox": [5, 5, 40, 40], "score": 1.0})
        truth = {"images": images, "annotations": annotations, "descriptions": descriptions, "categories": [{"id": 1, "name": "group 1"}, {"id": 2, "name": "group 2"}]}
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            (Path(folder) / "gt.json").write_text(json.dumps(truth))
            (Path(folder) / "dt.json").write_text(json.dumps(results))
            ap50, accuracy = script.mcbench_eval(f"{folder}/gt.json", f"{folder}/dt.json", "all")
        sets.append({"truth": truth, "results": results, "figures": {"ap50": float(ap50), "image-accuracy": float(accuracy)}})
    return {"sets": sets}


def sets(_: Path) -> dict:
    """The order of Python's sets."""
    draw = random.Random(9)
    lists = [[draw.randrange(0, most) for _ in range(n)] for n, most in ((5, 20), (40, 4000), (300, 4000), (900, 100000))]
    return {"lists": lists, "orders": [list(set(values)) for values in lists]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=Path, required=True)
    source = parser.parse_args().sources
    golden = {
        name: make(source)
        for name, make in {
            "migBench": migician,
            "migBenchRevised": revised,
            "lisa": zero_shot,
            "blink": blink,
            "mmiu": mmiu,
            "refCoco": refcoco,
            "refCocoTsv": refcoco_tsv,
            "groundingMe": grounding_me,
            "refL4": ref_l4,
            "odinw": odinw,
            "mcBench": mc_bench,
            "sets": sets,
        }.items()
    }
    # Rounded, so that the file stays small: nothing is decided by the last digits of an overlap.
    text = json.dumps(json.loads(json.dumps(golden), parse_float=lambda digits: round(float(digits), 12)), separators=(",", ":"))
    OUT.write_text(text + "\n", encoding="utf-8")
    print(f"{OUT}: {len(text)} characters")


if __name__ == "__main__":
    main()
