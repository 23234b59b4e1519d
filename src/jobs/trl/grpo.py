"""Reinforcement learning by rules: groups of completions, scored by rewards.py."""

import json
import random

from trl import GRPOConfig, GRPOTrainer

import common
import rewards


def recording(function, stage, tokenizer, ends):
    """The same reward; every completion is also written down, with the step that it belongs to."""
    file = open(common.RESULTS / f"{stage['name']}-completions-{common.RANK}.jsonl", "a", encoding="utf-8")

    def reward(completion_ids, truth, trainer_state, **rest):
        for ids, each in zip(completion_ids, truth):
            text = rewards.text_of(tokenizer, ids, ends)
            values, total = rewards.score(text, list(ids), each, stage["name"])
            line = {"step": trainer_state.global_step + 1, "row": json.loads(each)["id"], "prediction": text}
            file.write(json.dumps({**line, "ids": list(ids), "rewards": values, "reward": total}) + "\n")
        file.flush()
        return function(completion_ids=completion_ids, truth=truth, **rest)

    reward.__name__ = function.__name__
    return reward


def in_passes(rows, wanted):
    """As many rows as the stage asks for, pass after pass, each in an order of its own: few prompts come again and again."""
    draw, order = random.Random(common.JOB["seed"]), []
    while len(order) < wanted:
        one = list(rows)
        draw.shuffle(one)
        order += one
    return order[:wanted]


def main():
    stage, options = common.opened(lambda parser: parser.add_argument("--vllm", action="store_true"))
    settings, rows = stage["settings"], common.rows_of(stage)
    if not rows:
        common.stop("No prompt is left for reinforcement learning. Widen the bounds of rejection sampling.")
    own = settings["trainer"]
    rows = in_passes(rows, settings["prompts_a_step"] * -(-own["max_steps"] // own["num_iterations"]))
    processor, model = common.open_processor(common.state()["model"]), common.open_model(train=True)
    common.check_sizes(processor, rows)
    ends = common.end_tokens(model, processor.tokenizer)
    functions, weights = rewards.trl_rewards(stage["name"], processor.tokenizer, ends)
    functions[0] = recording(functions[0], stage, processor.tokenizer, ends)
    group = settings["trainer"]["num_generations"]
    a_pass, accumulation = common.divided(settings["prompts_a_step"] * group, group)
    extra = {"use_vllm": True, "vllm_mode": "colocate"} if options.vllm else {}
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=functions,
        args=GRPOConfig(
            **common.trainer_settings(stage, a_pass, accumulation), reward_weights=weights, disable_dropout=True, **extra
        ),
        train_dataset=common.picture_dataset(
            [{key: row[key] for key in ("prompt", "images", "truth")} for row in rows]
        ),
        processing_class=processor,
        peft_config=common.lora_of(settings),
    )
    common.run(trainer, stage)


if __name__ == "__main__":
    main()
