"""Kahneman-Tversky optimization: right and wrong answers of rejection sampling, each on its own."""

from trl import KTOConfig, KTOTrainer

import common


def main():
    stage, _ = common.opened()
    settings, now = stage["settings"], common.state()
    processor = common.open_processor(now["model"])
    rows, lines = {row["id"]: row for row in common.read_lines(common.HOME / "data" / "train.jsonl")}, []
    decode = lambda ids: processor.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    for judged in common.read_lines(common.HOME / now["answers"]) if now["answers"] else []:
        row = rows[judged["row"]]
        for side, label in (("right", True), ("wrong", False)):
            for ids in judged[side]:
                if len(ids) <= settings["max_completion_length"]:
                    lines.append({"prompt": common.prompt_text(processor, row), "completion": decode(ids), "label": label, "images": row["images"]})
    if not lines:
        common.stop("There are no judged answers. Rejection sampling must hand answers on.")
    a_pass, accumulation = common.divided(settings["rows_a_step"], settings["rows_a_step"])
    trainer = KTOTrainer(
        model=common.open_model(train=True),
        args=KTOConfig(**common.trainer_settings(stage, a_pass, accumulation)),
        train_dataset=common.picture_dataset(lines),
        processing_class=processor,
        peft_config=common.lora_of(settings),
    )
    common.run(trainer, stage)


if __name__ == "__main__":
    main()
