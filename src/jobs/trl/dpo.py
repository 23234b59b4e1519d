"""Direct preference optimization: right answers of rejection sampling over wrong ones to the same prompt."""

from trl import DPOConfig, DPOTrainer

import common


def main():
    stage, _ = common.opened()
    settings, now = stage["settings"], common.state()
    processor = common.open_processor(now["model"])
    found, decode = common.judged_answers(processor, now)
    lines = []
    for row, judged in found:
        for right, wrong in zip(judged["right"], judged["wrong"]):
            if max(len(right), len(wrong)) <= settings["max_completion_length"]:
                prompt = common.prompt_text(processor, row)
                lines.append({"prompt": prompt, "chosen": decode(right), "rejected": decode(wrong), "images": row["images"]})
    if not lines:
        common.stop("No prompt has right and wrong answers. Rejection sampling must hand answers on.")
    common.learn(DPOTrainer, DPOConfig, stage, processor, lines, settings["rows_a_pass"])


if __name__ == "__main__":
    main()
