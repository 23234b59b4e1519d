"""Answers to rows, by transformers or vLLM, on any number of processes: each takes its share, and none asks twice."""

import json

import torch

import common
import rewards

PART = "{name}.part-{rank}.jsonl"


def done(name):
    """Lines that were written before, by row: an interrupted stage goes on where it was."""
    lines = {}
    for file in sorted(common.RESULTS.glob(f"{name}.part-*.jsonl")):
        for text in file.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue  # the last line of a process that was killed
            lines.setdefault(line["row"], line)
    return lines


class Transformers:
    def __init__(self):
        self.processor = common.open_processor(common.state()["model"])
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = common.open_model().to(device).eval()
        self.ends = common.end_tokens(self.model, self.processor.tokenizer)

    @torch.inference_mode()
    def answers(self, rows, settings):
        """Token ids of `samples` answers to each row, the one that ends it included."""
        texts = [common.prompt_text(self.processor, row) for row in rows]
        pictures = [common.pictures_of(row) for row in rows]
        inputs = self.processor(images=pictures if any(pictures) else None, text=texts, padding=True, return_tensors="pt")
        greedy = settings["temperature"] == 0
        drawn = {} if greedy else {key: settings[key] for key in ("temperature", "top_p", "top_k")}
        made = self.model.generate(
            **inputs.to(self.model.device),
            do_sample=not greedy,
            num_return_sequences=settings["samples"],
            max_new_tokens=settings["max_completion_length"],
            **drawn,
        )
        made = made[:, inputs["input_ids"].shape[1] :].tolist()
        kept = [self.until_end(ids) for ids in made]
        n = settings["samples"]
        return [kept[i * n : (i + 1) * n] for i in range(len(rows))]

    def until_end(self, ids):
        end = next((i for i, each in enumerate(ids) if each in self.ends), None)
        return ids if end is None else ids[: end + 1]


class Vllm:
    def __init__(self):
        from vllm import LLM
        from vllm.lora.request import LoRARequest

        now = common.state()
        self.processor = common.open_processor(now["model"])
        most = max([len(row["images"]) for split in ("train", "heldout") for row in common.read_lines(common.HOME / "data" / f"{split}.jsonl")] or [1])
        self.model = LLM(now["model"], enable_lora=now["adapter"] is not None, max_lora_rank=512, limit_mm_per_prompt={"image": max(1, most)}, seed=common.JOB["seed"])
        self.lora = None if now["adapter"] is None else LoRARequest("job", 1, str(common.HOME / now["adapter"]))
        self.ends = {self.processor.tokenizer.convert_tokens_to_ids(common.JOB["end_of_turn"])}

    def answers(self, rows, settings):
        from vllm import SamplingParams

        asked = SamplingParams(
            n=settings["samples"],
            temperature=settings["temperature"],
            top_p=settings["top_p"],
            top_k=settings["top_k"] or -1,
            max_tokens=settings["max_completion_length"],
            skip_special_tokens=False,
        )
        prompts = [
            {"prompt": common.prompt_text(self.processor, row), "multi_modal_data": {"image": common.pictures_of(row)}}
            if row["images"]
            else {"prompt": common.prompt_text(self.processor, row)}
            for row in rows
        ]
        made = self.model.generate(prompts, asked, lora_request=self.lora)
        return [[list(each.token_ids) for each in answer.outputs] for answer in made]


def asked(rows, instruction):
    """The same rows with a sentence added to the last question."""
    if not instruction:
        return rows
    def with_sentence(row):
        prompt = json.loads(json.dumps(row["prompt"]))
        last = max(i for i, message in enumerate(prompt) if message["role"] == "user")
        prompt[last]["content"].append({"type": "text", "text": " " + instruction})
        return {**row, "prompt": prompt}
    return [with_sentence(row) for row in rows]


def judged(row, answers, engine, threshold):
    truth, lines = json.loads(row["truth"]), []
    for sample, ids in enumerate(answers):
        text = rewards.text_of(engine.processor.tokenizer, ids, engine.ends)
        answer = rewards.read_answer(text, truth["sizes"])
        line = {"sample": sample, "prediction": text, "truncated": ids[-1] not in engine.ends if ids else True}
        line |= {"right": rewards.succeeds(answer, truth, threshold), "iou": rewards.set_score(answer, truth)}
        lines.append({**line, "ids": ids})
    return {"row": row["id"], "task": truth["task"], "answers": lines}


def share(rows, name, settings, engine, rank=None, world=None):
    """Answers this process's share of what is not answered yet, a batch at a time, each batch written at once."""
    rank, world = common.RANK if rank is None else rank, common.WORLD if world is None else world
    before = done(name)
    mine = [row for row in rows[rank::world] if row["id"] not in before]
    with open(common.RESULTS / PART.format(name=name, rank=rank), "a", encoding="utf-8") as file:
        for start in range(0, len(mine), settings["batch"]):
            batch = mine[start : start + settings["batch"]]
            for row, answers in zip(batch, engine.answers(batch, settings)):
                file.write("\n" * (start == 0) + json.dumps(judged(row, answers, engine, settings["threshold"])) + "\n")
            file.flush()


def together():
    """Waits for the other processes."""
    from accelerate import PartialState

    PartialState().wait_for_everyone()


def all_answers(rows, name):
    lines = done(name)
    missing = [row["id"] for row in rows if row["id"] not in lines]
    if missing:
        common.stop(f"{len(missing)} rows are not answered yet. Run the same line again; what is answered stays.")
    return [lines[row["id"]] for row in rows]


def main(settle, asked=lambda rows, settings: rows):
    """Answers a stage's rows on all processes; then one of them settles what came of it. `asked`: the rows as they are asked."""
    stage, options = common.opened(lambda parser: parser.add_argument("--vllm", action="store_true"))
    rows = common.rows_of(stage)
    engine = Vllm() if options.vllm else Transformers()
    common.check_sizes(engine.processor, rows)
    share(asked(rows, stage["settings"]), stage["name"], stage["settings"], engine)
    together()
    if common.RANK == 0:
        settle(stage, rows)
    together()
