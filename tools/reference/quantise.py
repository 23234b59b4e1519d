"""The quantised formats in PyTorch: how weights become codes, and what the codes stand for.

int8, int4: w = scale * (code - zero) for a group of 64 (or 32) neighbours in a row; scale * 4096 is the smallest normal
half with which the codes 0 … levels span the group and zero; zero point and codes are rounded, ties up.
nf4: QLoRA's code book (arXiv 2305.14314) over blocks of 64 times their largest magnitude; the magnitudes less their mean
are themselves in the signed dynamic 8-bit type (arXiv 1511.04561), 256 to a scale: bitsandbytes' double quantisation.
"""

import torch

NF4 = torch.tensor([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
], dtype=torch.float32)  # fmt: skip


def group_of(format: str, columns: int) -> int:
    """Neighbours that share a scale; 0 where the format cannot hold rows of so many columns."""
    return 64 if columns % 64 == 0 else 32 if columns % 32 == 0 and format != "nf4" else 0


def quantise(weight: torch.Tensor, format: str) -> tuple[torch.Tensor, torch.Tensor]:
    """[rows, columns] float32 → codes uint8 and the values they stand for, float32."""
    if format == "nf4":
        return _nf4(weight)
    return _affine(weight, 255 if format == "int8" else 15, group_of(format, weight.shape[1]))


def _affine(weight: torch.Tensor, levels: int, group: int) -> tuple[torch.Tensor, torch.Tensor]:
    w = weight.reshape(-1, group)
    low = w.amin(1).clamp(max=0)
    span = (w.amax(1).clamp(min=0) - low).double()
    halves = torch.arange(0x0400, 0x7C00, dtype=torch.int16).view(torch.float16).double()
    reach = halves / 4096 * levels
    scale = halves[torch.searchsorted(reach, span).clamp(max=len(halves) - 1)] / 4096
    w, scale = w.double(), scale[:, None]
    zero = (-low.double()[:, None] / scale + 0.5).floor().clamp(0, levels)
    codes = ((w / scale + 0.5).floor() + zero).clamp(0, levels)
    return codes.byte().reshape(weight.shape), (scale * (codes - zero)).float().reshape(weight.shape)


def dynamic_map() -> torch.Tensor:
    values = [0.0, 1.0]
    for exponent in range(7):
        edges = torch.linspace(0.1, 1, 2**exponent + 1)
        means = 10.0 ** (exponent - 6) * (edges[:-1] + edges[1:]) / 2
        values += means.tolist() + (-means).tolist()
    return torch.tensor(sorted(values), dtype=torch.float32)


def _nearest(values: torch.Tensor, book: torch.Tensor, unit: torch.Tensor) -> torch.Tensor:
    """Codes of values / unit."""
    middles = (book[:-1] + book[1:]) / 2
    return (values[..., None] > middles * unit[..., None]).sum(-1)


def _nf4(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    blocks = weight.reshape(-1, 64)
    largest = blocks.abs().amax(1)
    codes = _nearest(blocks, NF4, torch.where(largest > 0, largest, 1)[:, None])
    mean = largest.mean()
    book = dynamic_map()
    restored = torch.cat([
        book[_nearest(part, book, part.abs().amax().expand_as(part))] * part.abs().amax() + mean
        for part in (largest - mean).split(256)
    ])  # fmt: skip
    return codes.byte().reshape(weight.shape), (NF4[codes] * restored[:, None]).reshape(weight.shape)


# How each kind of matrix is held under a choice of storage (src/models/storage.ts).
HELD = {
    "int8": {"linear": "int8", "embedding": "int8", "head": "int8"},
    "int4": {"linear": "int4", "embedding": "int8", "head": "int8"},
    "nf4": {"linear": "nf4", "embedding": "f16", "head": "f16"},
}


def format_of(name: str, weight: torch.Tensor, storage: str) -> str:
    """By the tensor's name in transformers' module tree."""
    if weight.ndim == 1:
        return "f32"
    if any(part in name for part in ("visual", "vision", "connector")):
        return "f16"
    use = "embedding" if "embed_tokens" in name else "head" if "lm_head" in name else "linear"
    format = HELD[storage][use]
    return format if format == "f16" or group_of(format, weight.shape[1]) else "f16"


def quantise_model(model, storage: str) -> dict[str, tuple[str, torch.Tensor, torch.Tensor]]:
    """Puts dequantised weights in place of the model's; quantised ones by name: format, codes, values."""
    quantised = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            format = format_of(name, parameter, storage)
            if format == "f16":
                parameter.copy_(parameter.half().float())
            elif format != "f32":
                codes, values = quantise(parameter, format)
                parameter.copy_(values)
                quantised[name] = (format, codes, values)
    return quantised
