"""Supervised fine-tuning on the rows' own answers, each with the sign that ends its turn."""

from trl import SFTConfig, SFTTrainer

import common


def main():
    stage, _ = common.opened()
    settings, rows = stage["settings"], [row for row in common.rows_of(stage) if row["completion"]]
    processor = common.open_processor(common.state()["model"])
    common.check_sizes(processor, rows)
    lines, long = [], 0
    for row in rows:
        line = {
            "prompt": common.prompt_text(processor, {**row, "prompt": row.get("taught_prompt", row["prompt"])}),
            "completion": row["completion"] + common.JOB["end_of_turn"],
            "images": row["images"],
        }
        if settings["max_length"] is not None:
            tokens = processor(images=common.pictures_of(row) or None, text=[line["prompt"] + line["completion"]])
            if len(tokens["input_ids"][0]) > settings["max_length"]:
                long += 1
                continue
        lines.append(line)
    if long and common.RANK == 0:
        print(f"{long} rows are longer than {settings['max_length']} tokens and were left out.")
    if not lines:
        common.stop("No row can be learned.")
    common.learn(SFTTrainer, SFTConfig, stage, processor, lines, settings["rows_a_pass"], by_token=True)


if __name__ == "__main__":
    main()
