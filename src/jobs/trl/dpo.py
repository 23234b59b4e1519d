"""Direct preference optimization: right answers of rejection sampling over wrong ones to the same prompt."""

from trl import DPOConfig, DPOTrainer

import common


def main():
    stage, _ = common.opened()
    settings, now = stage["settings"], common.state()
    processor = common.open_processor(now["model"])
    rows, lines = {row["id"]: row for row in common.read_lines(common.HOME / "data" / "train.jsonl")}, []
    decode = lambda ids: processor.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    for judged in common.read_lines(common.HOME / now["answers"]) if now["answers"] else []:
        row = rows[judged["row"]]
        for right, wrong in zip(judged["right"], judged["wrong"]):
            if max(len(right), len(wrong)) <= settings["max_completion_length"]:
                prompt = common.prompt_text(processor, row)
                lines.append({"prompt": prompt, "chosen": decode(right), "rejected": decode(wrong), "images": row["images"]})
    if not lines:
        common.stop("No prompt has right and wrong answers. Rejection sampling must hand answers on.")
    a_pass, accumulation = common.divided(settings["rows_a_step"], settings["rows_a_pass"])
    trainer = DPOTrainer(
        model=common.open_model(train=True),
        args=DPOConfig(**common.trainer_settings(stage, a_pass, accumulation)),
        train_dataset=common.picture_dataset(lines),
        processing_class=processor,
        peft_config=common.lora_of(settings),
    )
    common.run(trainer, stage)


if __name__ == "__main__":
    main()
