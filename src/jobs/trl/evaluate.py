"""Greedy answers to held-out rows, and how many are right at IoU 0.5. The predictions come back through the studio's scores."""

import json

import common
import sampling


def settle(stage, rows):
    name = stage["name"]
    lines = sampling.all_answers(rows, name)
    with open(common.RESULTS / f"{name}.jsonl", "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps({"row": line["row"], "prediction": line["answers"][0]["prediction"]}) + "\n")
    tasks = {}
    for line in lines:
        tasks.setdefault(line["task"] or "all", []).append(line["answers"][0]["right"])
    right = [line["answers"][0]["right"] for line in lines]
    report = {"rows": len(lines), "accuracy": sum(right) / max(1, len(right)), "tasks": {task: sum(r) / len(r) for task, r in tasks.items()}}
    (common.RESULTS / f"{name}-report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    print(json.dumps(report))


if __name__ == "__main__":
    sampling.main(settle, lambda rows, settings: sampling.asked(rows, settings["instruction"]))
