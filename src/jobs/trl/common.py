"""What the scripts of this job share: where it stands, its rows and pictures, the model, and how steps are divided."""

import argparse
import json
import os
import sys
from pathlib import Path

import torch
from datasets import Dataset, Image, List
from peft import LoraConfig, PeftModel
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer, set_seed

HOME = Path(__file__).resolve().parent
JOB = json.loads((HOME / "job.json").read_text(encoding="utf-8"))
WORK, RESULTS = HOME / "work", HOME / "results"
if not torch.cuda.is_available():
    # Without it several processes of a machine without a GPU would each train alone.
    os.environ["ACCELERATE_USE_CPU"] = "true"
WORLD, RANK = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
DTYPE = torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32


def stop(message):
    """Ends with a sentence and status 2: nothing was done."""
    print(message, file=sys.stderr)
    raise SystemExit(2)


def opened(extra=None):
    """The stage that the script was started for, and its own options."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", help="a file of stages/")
    if extra:
        extra(parser)
    options = parser.parse_args()
    stage = json.loads((HOME / options.stage).read_text(encoding="utf-8"))
    RESULTS.mkdir(exist_ok=True)
    # PEFT draws the first values of an adapter: the same ones in every process and every time.
    set_seed(JOB["seed"])
    return stage, options


def state():
    """What the stages before have left: the model, its open adapter, kept rows, judged answers, and merges made."""
    file = WORK / "state.json"
    if file.exists():
        return json.loads(file.read_text(encoding="utf-8"))
    return {"model": JOB["model"], "adapter": None, "kept": None, "answers": None, "merges": []}


def leave(**changed):
    """Written by one process, and only when it is whole."""
    if RANK != 0:
        return
    WORK.mkdir(exist_ok=True)
    fresh = WORK / "state.json.new"
    fresh.write_text(json.dumps({**state(), **changed}, indent=2), encoding="utf-8")
    fresh.replace(WORK / "state.json")


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def rows_of(stage):
    """The rows that a stage reads, in its order: those named in its file, those kept before, or all that can be judged."""
    split = "heldout" if stage["reads"] == "heldout" else "train"
    rows = read_lines(HOME / "data" / f"{split}.jsonl")
    wanted = stage["rows"]
    if stage["reads"] == "kept":
        kept = state()["kept"]
        if kept is None:
            return [row for row in rows if row["judged"]]
        wanted = [line["row"] for line in read_lines(HOME / kept) if line["verdict"] == "kept"]
    by_id = {row["id"]: row for row in rows}
    return [by_id[row] for row in wanted]


def processor_without_videos(path):
    """Where torchvision is missing, which videos alone need: a stand-in takes their processor's place."""
    from transformers import BaseVideoProcessor
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES, processor_class_from_name

    class NoVideos(BaseVideoProcessor):
        def __init__(self):
            pass

    tokenizer = AutoTokenizer.from_pretrained(path)
    kind = processor_class_from_name(PROCESSOR_MAPPING_NAMES[AutoConfig.from_pretrained(path).model_type])
    return kind(
        image_processor=AutoImageProcessor.from_pretrained(path, backend="pil"),
        tokenizer=tokenizer,
        video_processor=NoVideos(),
        chat_template=tokenizer.chat_template,
    )


def open_processor(path):
    try:
        processor = AutoProcessor.from_pretrained(path)
    except ImportError:
        processor = processor_without_videos(path)
    # Pillow resizes as the studio does; the other backend rounds otherwise.
    pictures, limits = AutoImageProcessor.from_pretrained(path, backend="pil"), JOB["pixels"]
    processor.image_processor = pictures
    if "edge" in limits:
        pictures.size, pictures.do_image_splitting = {"longest_edge": limits["edge"]}, limits["tiles"]
    else:
        pictures.size = {"shortest_edge": limits["min"], "longest_edge": limits["max"]}
        if hasattr(pictures, "min_pixels"):
            pictures.min_pixels, pictures.max_pixels = limits["min"], limits["max"]
    processor.tokenizer.padding_side = "left"
    # Its parts, as they lie in a checkpoint: a trainer writes them beside every adapter.
    processor.save_pretrained = lambda folder, **_: [part.save_pretrained(folder) for part in (processor.tokenizer, pictures)]
    return processor


def check_sizes(processor, rows):
    """The model must see pictures at the sizes that the boxes of this job were written for."""
    row = next((row for row in rows if row["images"]), None)
    if row is None or JOB["patch"] is None:
        return
    seen = processor.image_processor(images=pictures_of(row), return_tensors="pt")["image_grid_thw"]
    found = [[int(w) * JOB["patch"], int(h) * JOB["patch"]] for _, h, w in seen]
    meant = [json.loads(row["truth"])["sizes"][i] for i in row["order"]]
    if found != meant:
        stop(f"Row {row['id']}: pictures are {found} here and {meant} in the job. Boxes would be shifted; write the job anew.")


def pictures_of(row):
    from PIL import Image as Pillow
    from PIL import ImageOps

    return [ImageOps.exif_transpose(Pillow.open(HOME / path)).convert("RGB") for path in row["images"]]


def open_model(train=False):
    """The model as the stages before have left it. Their adapter lies over it; it is not merged here."""
    now = state()
    model = AutoModelForImageTextToText.from_pretrained(now["model"], dtype=DTYPE)
    if now["adapter"] is not None:
        if train:
            stop("The adapter of the stage before is not merged. Run merge.py first.")
        model = PeftModel.from_pretrained(model, HOME / now["adapter"])
    return model


def end_tokens(model, tokenizer):
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return {end for end in ends if end is not None} or {tokenizer.convert_tokens_to_ids(JOB["end_of_turn"])}


def prompt_text(processor, row):
    return processor.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)


def lora_of(settings):
    return LoraConfig(**settings["lora"])


def divided(total, most):
    """Rows of a step over devices, passes and accumulation: the step sees as many as in the studio, on any number of devices."""
    if total % WORLD:
        stop(f"A step of {total} rows cannot be divided over {WORLD} processes. Use a number that divides it.")
    own = total // WORLD
    a_pass = max(n for n in range(1, min(own, most) + 1) if own % n == 0)
    return a_pass, own // a_pass


def picture_dataset(lines):
    """Pictures are opened when a batch needs them."""
    lines = [{**line, "images": [str(HOME / path) for path in line["images"]]} for line in lines]
    return Dataset.from_list(lines).cast_column("images", List(Image()))


def trainer_settings(stage, a_pass, accumulation):
    return {
        **stage["settings"]["trainer"],
        "output_dir": str(WORK / stage["name"]),
        "per_device_train_batch_size": a_pass,
        "gradient_accumulation_steps": accumulation,
        "seed": JOB["seed"],
        "use_cpu": not torch.cuda.is_available(),
        "bf16": DTYPE == torch.bfloat16,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": 50,
        "save_total_limit": 2,
        "report_to": "none",
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "ddp_find_unused_parameters": False,
    }


def judged_answers(processor, now):
    """Rows that rejection sampling has judged, with their right and wrong answers, and how tokens become text."""
    rows = {row["id"]: row for row in read_lines(HOME / "data" / "train.jsonl")}
    decode = lambda ids: processor.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    found = [(rows[judged["row"]], judged) for judged in read_lines(HOME / now["answers"])] if now["answers"] else []
    return found, decode


def learn(trainer_class, config_class, stage, processor, lines, most, by_token=False):
    """
    Trains on lines to the end, from the last checkpoint if there is one, and leaves an adapter. `most`: rows of a pass.
    `by_token`: the loss is the mean over all tokens of a step, however its rows are divided. transformers takes some
    families' word that they cannot, and then averages the passes, which weighs tokens of short rows more.
    """
    a_pass, accumulation = divided(stage["settings"]["rows_a_step"], most)
    trainer = trainer_class(
        model=open_model(train=True),
        args=config_class(**trainer_settings(stage, a_pass, accumulation)),
        train_dataset=picture_dataset(lines),
        processing_class=processor,
        peft_config=lora_of(stage["settings"]),
    )
    if by_token:
        trainer.model_accepts_loss_kwargs = True
    run(trainer, stage)


def run(trainer, stage):
    """Trains to the end, from the last checkpoint if there is one, and leaves an adapter."""
    out = WORK / stage["name"]
    if RANK == 0 and not (out / "start").exists():
        # What training begins with, for whoever wants to repeat it elsewhere.
        trainer.accelerator.unwrap_model(trainer.model).save_pretrained(str(out / "start"))
    trainer.train(resume_from_checkpoint=any(out.glob("checkpoint-*")) or None)
    adapter = out / "adapter"
    trainer.save_model(str(adapter))
    trainer.save_state()
    leave(adapter=str(adapter.relative_to(HOME)))
