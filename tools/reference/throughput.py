"""PyTorch at what `npm run throughput` did: the same weights, adapter and tokens, on this machine's processor or GPU.

    npm run throughput -- MODEL --out DIR
    python -m tools.reference.throughput DIR [--device cuda] [--dtype bfloat16] [--rounds 3]

Prints tokens a second of both and their ratio, and how far loss and gradient are apart (a gradient by its norm, against
float32 of the same stored weights). Adapters are float32 in every case, as PEFT and TRL have them.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from peft import PeftModel

from .checkpoint import DTYPES
from .families import family_of


def load(folder: Path, device: str, dtype: torch.dtype) -> PeftModel:
    base = family_of(folder / "model").model_class.from_pretrained(
        folder / "model", dtype=dtype, attn_implementation="sdpa"
    )
    model = PeftModel.from_pretrained(base, folder / "adapter", is_trainable=True)
    return model.to(device).eval()


def train_once(model: PeftModel, ids: torch.Tensor, prompt: int) -> tuple[float, float]:
    """Loss over the answer, and the norm of the adapter's gradient."""
    labels = ids.clone()
    labels[:, :prompt] = -100
    model.zero_grad()
    loss = model(input_ids=ids, labels=labels, use_cache=False).loss
    loss.backward()
    squares = sum(p.grad.double().square().sum().item() for p in model.parameters() if p.requires_grad)
    return loss.item(), squares**0.5


@torch.no_grad()
def roll_out(model: PeftModel, prompt: torch.Tensor, group: int, completion: int) -> int:
    """Tokens drawn."""
    length = dict(max_new_tokens=completion, min_new_tokens=completion)
    drawn = model.generate(input_ids=prompt, do_sample=True, num_return_sequences=group, **length)
    return drawn[:, prompt.shape[1] :].numel()


def rates(device: str, rounds: int, run) -> list[float]:
    """Tokens a second of each round after one that is not counted; `run` gives the tokens."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    run()
    found = []
    for _ in range(rounds):
        wait()
        begun = time.perf_counter()
        tokens = run()
        wait()
        found.append(tokens / (time.perf_counter() - begun))
    return found


def line(name: str, ours: dict, theirs: list[float]) -> str:
    best, median = ours["tokensPerSecond"] / max(theirs), ours["median"] / statistics.median(theirs)
    return (
        f"{name:9} ours {ours['tokensPerSecond']:8.1f} ({ours['median']:.1f})  "
        f"PyTorch {max(theirs):8.1f} ({statistics.median(theirs):.1f})  ours / PyTorch {best:.2f} ({median:.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    ours = json.loads((args.folder / "throughput.json").read_text())
    options = ours["options"]
    model = load(args.folder, args.device, DTYPES[args.dtype])
    if options["checkpoint"]:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
        model.train()  # without which nothing is computed again; the adapter has no dropout
    ids = torch.tensor([ours["tokens"]], device=args.device)
    outcome = (0.0, 0.0)

    def step() -> int:
        nonlocal outcome
        outcome = train_once(model, ids, options["prompt"])
        return ids.shape[1]

    sft = rates(args.device, args.rounds, step)
    model.eval()
    prompt = ids[:, : options["prompt"]]
    rollouts = rates(args.device, args.rounds, lambda: roll_out(model, prompt, options["group"], options["completion"]))

    where = torch.cuda.get_device_name() if args.device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    print(f"{ours['model']}; ours in {options['storage']} on {ours['adapter']}; PyTorch {torch.__version__} in {args.dtype} on {where}")
    print("tokens/s, best (median) of the rounds")
    print(line("SFT", ours["sft"], sft))
    print(line("rollouts", ours["rollout"], rollouts))
    loss, norm = outcome
    print(
        f"loss {ours['loss']:.6f} and {loss:.6f}, apart by {abs(ours['loss'] - loss) / loss:.1e}; "
        f"norm of the gradient apart by {abs(ours['gradientNorm'] - norm) / norm:.1e}"
    )


if __name__ == "__main__":
    main()
