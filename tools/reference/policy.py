"""The policy part of a case: TRL's loss for one group of completions, with its gradients."""

import torch

from .adapters import load_adapter
from .cases.case import Case
from .checkpoint import load_model
from .compute import adapter_gradients
from .files import write_tensors
from .processing import Inputs, Processor
from .trl_trainer import grpo_trainer

SETTINGS = (
    "loss_type",
    "epsilon",
    "epsilon_high",
    "beta",
    "temperature",
    "max_completion_length",
    "mask_truncated_completions",
    "use_bias_correction_kl",
)

# What TRL passes on to the model, besides the token ids.
VISION_KEYS = ("pixel_values", "image_grid_thw", "pixel_attention_mask", "num_images", "mm_token_type_ids")

# A ratio nearer than this to a clip limit could fall on either side of it.
LEAST_DISTANCE = 2e-3


def _right_padded(rows: list[list], value) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def _group(case: Case, processor: Processor, prompt: Inputs) -> dict:
    """The batch as GRPOTrainer._generate_and_score_completions lays it out."""
    policy = case.policy
    count = len(policy["completions"])
    truncated = policy.get("truncated", [False] * count)
    end = prompt.family.end_of_turn
    ids = [processor.ids(text + ("" if cut else end)) for text, cut in zip(policy["completions"], truncated)]
    mask = _right_padded([[1] * len(row) for row in ids], 0)
    if policy.get("mask_truncated_completions"):
        mask = mask * ~torch.tensor(truncated)[:, None]
    completion_ids = _right_padded(ids, processor.tokenizer.pad_token_id)
    batch = {
        "prompt_ids": prompt.input_ids.repeat(count, 1),
        "prompt_mask": torch.ones(count, len(prompt.input_ids), dtype=torch.long),
        "completion_ids": completion_ids,
        "completion_mask": mask,
        "advantages": torch.tensor(policy["advantages"]),
        "num_items_in_batch": mask.sum(),
    }
    if prompt.pictures is not None:
        batch |= {name: torch.cat([field] * count) for name, field in prompt.pictures.fields.items()}
        batch["num_images"] = [len(prompt.pictures.texts)] * count
        if prompt.family.token_types:
            types = prompt.token_types.repeat(count, 1)
            batch["mm_token_type_ids"] = torch.cat([types, torch.zeros_like(completion_ids)], 1)
    return batch


def _logps(trainer, model, batch: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probs and entropies [G, C], 0 where the completion mask is."""
    mask = batch["completion_mask"]
    vision = {key: batch[key] for key in VISION_KEYS if key in batch}
    with torch.no_grad():
        logps, entropies, _ = trainer._get_per_token_logps_and_entropies(
            model,
            torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1),
            torch.cat([batch["prompt_mask"], mask], 1),
            mask.shape[1],
            compute_entropy=True,
            **vision,
        )
    return logps.masked_fill(mask == 0, 0), entropies.masked_fill(mask == 0, 0)


def compute_policy(case: Case, folder, processor: Processor, prompt: Inputs) -> dict[str, torch.Tensor]:
    """Writes inputs.safetensors and returns the `policy.` tensors of expected.safetensors."""
    policy = case.policy
    model = load_adapter(load_model(folder / "checkpoint"), folder / "adapter")
    settings = {name: policy[name] for name in SETTINGS if name in policy}
    trainer = grpo_trainer(model, processor.tokenizer, len(policy["completions"]), [lambda **_: None], **settings)
    batch = _group(case, processor, prompt)

    logps, entropies = _logps(trainer, model, batch)
    random = torch.Generator().manual_seed(case.checkpoint.seed + 2)
    drift = torch.randn(logps.shape, generator=random) * 0.2
    old = (logps + drift).masked_fill(batch["completion_mask"] == 0, 0)
    with model.disable_adapter():
        reference, _ = _logps(trainer, model, batch)
    _check_clipping((logps - old).exp(), batch, policy)
    write_tensors(folder / "inputs.safetensors", {"old_logps": old, "ref_logps": reference})

    batch |= {"old_per_token_logps": old, "ref_per_token_logps": reference}
    model.train()  # there is no dropout; TRL divides by the accumulation steps (1) only when training
    model.zero_grad()
    loss = trainer._compute_loss(model, batch)
    loss.backward()
    torch.testing.assert_close(loss.detach(), _loss_by_hand(logps, old, reference, batch, policy))
    return {
        "policy.logps": logps,
        "policy.entropy": entropies,
        "policy.loss": loss.detach().reshape(1),
        **adapter_gradients(model, "policy.grad."),
    }


def _loss_by_hand(logps, old, reference, batch: dict, policy: dict) -> torch.Tensor:
    """The arithmetic as docs/golden-case.md has it: a new TRL with other defaults does not go unnoticed."""
    mask, advantages = batch["completion_mask"], batch["advantages"][:, None]
    low, high = policy["epsilon"], policy.get("epsilon_high", policy["epsilon"])
    ratio = (logps - old).exp()
    losses = -torch.minimum(ratio * advantages, ratio.clamp(1 - low, 1 + high) * advantages)
    kl = (reference - logps).exp() - (reference - logps) - 1
    losses = losses + policy["beta"] * kl * (ratio if policy.get("use_bias_correction_kl") else 1)
    sums, lengths = (losses * mask).sum(1), mask.sum(1)
    if policy["loss_type"] == "grpo":
        return (sums / lengths.clamp(min=1)).mean()
    if policy["loss_type"] == "dapo":
        return sums.sum() / lengths.sum()
    return sums.sum() / (len(sums) * policy["max_completion_length"])


def _check_clipping(ratios: torch.Tensor, batch: dict, policy: dict) -> None:
    """Some ratios clip at either end, none so close to an end that rounding decides."""
    low, high = 1 - policy["epsilon"], 1 + policy.get("epsilon_high", policy["epsilon"])
    live = batch["completion_mask"].bool()
    positive = batch["advantages"][:, None].expand_as(ratios) > 0
    assert ((ratios > high) & positive & live).any() and ((ratios < low) & ~positive & live).any(), "nothing clips"
    distance = torch.minimum((ratios - low).abs(), (ratios - high).abs())[live].min()
    assert distance > LEAST_DISTANCE, "a ratio sits on a clip limit: change the seed"
