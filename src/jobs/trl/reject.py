"""Rejection sampling: prompts that the model sometimes solves are kept."""

import json

import common
import sampling


def verdict(rate, settings):
    if rate >= settings["max_success"]:
        return "too-easy"
    return "kept" if rate > settings["min_success"] else "too-hard"


def side(answers, right, most):
    """Distinct answers; of those that were cut off only wrong ones count."""
    distinct = {tuple(a["ids"]): a for a in answers if a["right"] == right and a["ids"] and not (right and a["truncated"])}
    return [a["ids"] for a in list(distinct.values())[:most]]


def settle(stage, rows):
    """Writes what was kept, and answers that are handed on; one process, when all is answered."""
    settings, name = stage["settings"], stage["name"]
    kept, answers = common.RESULTS / f"{name}.jsonl", common.RESULTS / f"{name}-answers.jsonl"
    with open(kept, "w", encoding="utf-8") as file, open(answers, "w", encoding="utf-8") as handed:
        for line in sampling.all_answers(rows, name):
            successes = sum(answer["right"] for answer in line["answers"])
            told = verdict(successes / len(line["answers"]), settings)
            file.write(json.dumps({"row": line["row"], "samples": len(line["answers"]), "successes": successes, "verdict": told}) + "\n")
            if settings["answers_kept"] and told == "kept":
                sides = {key: side(line["answers"], right, settings["answers_kept"]) for key, right in (("right", True), ("wrong", False))}
                handed.write(json.dumps({"row": line["row"], **sides}) + "\n")
    changed = {"answers": str(answers.relative_to(common.HOME))} if settings["answers_kept"] else {}
    common.leave(kept=str(kept.relative_to(common.HOME)), **changed)


if __name__ == "__main__":
    sampling.main(settle)
