"""Writes a trained state as a Hugging Face checkpoint in F16: python export.py RUN/state.pt public/starter/model"""

import json
import os
import sys

import torch
from transformers import GenerationConfig

from model import new_model
from vocabulary import CHAT_TEMPLATE, fast

IMAGE_PROCESSOR = {
    "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_processor_type": "Qwen2VLImageProcessor",
    "image_std": [0.26862954, 0.26130258, 0.27577711], "max_pixels": 50176, "merge_size": 2, "min_pixels": 3136,
    "patch_size": 14, "processor_class": "Qwen2_5_VLProcessor", "resample": 3, "rescale_factor": 0.00392156862745098,
    "size": {"longest_edge": 50176, "shortest_edge": 3136}, "temporal_patch_size": 2,
}


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w") as f:
        json.dump(value, f, indent=2, ensure_ascii=False)
        f.write("\n")


def main(state_path, folder):
    os.makedirs(folder, exist_ok=True)
    tokenizer = fast()
    model = new_model(tokenizer)
    if state_path != "-":
        model.load_state_dict(torch.load(state_path, weights_only=False)["model"])
    largest = max(p.abs().max().item() for p in model.parameters())
    assert largest < 1000, largest  # far from F16's 65,504
    ids = tokenizer.convert_tokens_to_ids
    model.generation_config = GenerationConfig(
        bos_token_id=ids("<|endoftext|>"), pad_token_id=ids("<|endoftext|>"),
        eos_token_id=[ids("<|im_end|>"), ids("<|endoftext|>")], do_sample=False)
    model.half().save_pretrained(folder)
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    tokenizer.save_pretrained(folder)
    with open(os.path.join(folder, "chat_template.jinja"), "w") as f:
        f.write(CHAT_TEMPLATE)
    path = os.path.join(folder, "tokenizer_config.json")
    config = json.load(open(path))
    # Loaders that know only this file find everything here; the class is the plain fast one, as tokenizer.json says it all.
    config.update(chat_template=CHAT_TEMPLATE, processor_class="Qwen2_5_VLProcessor")
    write_json(folder, "tokenizer_config.json", config)
    write_json(folder, "preprocessor_config.json", IMAGE_PROCESSOR)
    print("parameters", sum(p.numel() for p in model.parameters()), "largest weight", round(largest, 2))


if __name__ == "__main__":
    main(*sys.argv[1:])
