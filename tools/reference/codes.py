"""Checkpoints as others quantise them: bitsandbytes' NF4 and fine-grained FP8, and the values that their codes stand for."""

import json

import torch
from torch import nn

# What a normal distribution's quantiles are, from -1 to 1 (QLoRA, arXiv 2305.14314).
NF4 = torch.tensor(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ]
)
BLOCK, NESTED_BLOCK, FP8_BLOCK, FP8_MOST = 64, 256, 128, 448.0


def _dynamic_map() -> torch.Tensor:
    """256 values, denser near zero: seven decades, each with twice the steps of the one below."""
    values = [0.0, 1.0]
    for decade in range(7):
        edges = torch.linspace(0.1, 1, 2**decade + 1, dtype=torch.float64)
        means = ((edges[:-1] + edges[1:]) / 2 * 10.0 ** (decade - 6)).tolist()
        values += means + [-mean for mean in means]
    return torch.tensor(sorted(values), dtype=torch.float32)


def _nearest(values: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    return (values[:, None] - table[None]).abs().argmin(1).to(torch.uint8)


def _blocks(values: torch.Tensor, size: int) -> torch.Tensor:
    return nn.functional.pad(values, (0, -values.numel() % size)).view(-1, size)


def _nf4(name: str, weight: torch.Tensor, dtype: str) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    flat = weight.float().flatten()
    most = _blocks(flat, BLOCK).abs().amax(1)
    offset = most.mean()
    table = _dynamic_map()
    outer = _blocks(most - offset, NESTED_BLOCK).abs().amax(1)
    codes = torch.cat([_nearest(part / high, table) for part, high in zip((most - offset).split(NESTED_BLOCK), outer)])
    known = table[codes.long()] * outer.repeat_interleave(NESTED_BLOCK)[: most.numel()] + offset
    scale = known.repeat_interleave(BLOCK)[: flat.numel()]
    nibbles = _nearest(flat / scale, NF4)
    state = {
        "quant_type": "nf4",
        "blocksize": BLOCK,
        "dtype": dtype,
        "shape": list(weight.shape),
        "nested_blocksize": NESTED_BLOCK,
        "nested_dtype": "float32",
        "nested_offset": offset.item(),
    }
    stored = {
        name: (nibbles[::2] << 4 | nibbles[1::2])[:, None],
        f"{name}.absmax": codes,
        f"{name}.quant_map": NF4,
        f"{name}.nested_absmax": outer,
        f"{name}.nested_quant_map": table,
        f"{name}.quant_state.bitsandbytes__nf4": torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8),
    }
    return stored, (NF4[nibbles.long()] * scale).view(weight.shape)


def _fp8(name: str, weight: torch.Tensor, dtype: str) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    rows, columns = weight.shape
    spread = lambda scale: (
        scale.repeat_interleave(FP8_BLOCK, 0)[:rows].repeat_interleave(FP8_BLOCK, 1)[:, :columns]
    )
    scale = torch.stack(
        [
            torch.stack([part.abs().max() / FP8_MOST for part in band.split(FP8_BLOCK, 1)])
            for band in weight.float().split(FP8_BLOCK, 0)
        ]
    )
    codes = (weight.float() / spread(scale)).to(torch.float8_e4m3fn)
    return {name: codes, f"{name}_scale_inv": scale}, codes.float() * spread(scale)


CONFIGS = {
    "nf4": {
        "quant_method": "bitsandbytes",
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "llm_int8_skip_modules": ["lm_head"],
    },
    "fp8": {
        "quant_method": "fp8",
        "activation_scheme": "dynamic",
        "fmt": "e4m3",
        "weight_block_size": [FP8_BLOCK, FP8_BLOCK],
        "modules_to_not_convert": ["lm_head", "visual"],
    },
}
_WAYS = {"nf4": _nf4, "fp8": _fp8}


def encode(
    weights: dict[str, torch.Tensor], model: nn.Module, codes: str, dtype: str
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """What is stored, and the values it stands for, rounded to the stored dtype. The head stays as it is; with FP8 the tower, too."""
    linears = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    stored, plain = {}, {}
    for name, weight in weights.items():
        if name not in linears or name.startswith("lm_head") or (codes == "fp8" and "visual" in name):
            stored[name] = plain[name] = weight
            continue
        more, values = _WAYS[codes](name, weight, dtype)
        stored |= more
        plain[name] = values.to(weight.dtype)
    return stored, plain
