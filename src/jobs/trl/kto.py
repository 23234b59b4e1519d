"""Kahneman-Tversky optimization: right and wrong answers of rejection sampling, each on its own."""

from trl import KTOConfig, KTOTrainer

import common


def main():
    stage, _ = common.opened()
    settings, now = stage["settings"], common.state()
    processor = common.open_processor(now["model"])
    found, decode = common.judged_answers(processor, now)
    lines = []
    for row, judged in found:
        for side, label in (("right", True), ("wrong", False)):
            for ids in judged[side]:
                if len(ids) <= settings["max_completion_length"]:
                    lines.append({"prompt": common.prompt_text(processor, row), "completion": decode(ids), "label": label, "images": row["images"]})
    if not lines:
        common.stop("There are no judged answers. Rejection sampling must hand answers on.")
    common.learn(KTOTrainer, KTOConfig, stage, processor, lines, settings["rows_a_step"])


if __name__ == "__main__":
    main()
