"""Where fixtures live, and how they are written: the same bytes on every run."""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"


def fresh_folder(folder: Path) -> Path:
    """An empty folder: whatever an earlier build left there is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_json(path: Path, value, indent: int | None = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def write_rows(path: Path, head: dict, key: str, rows: list) -> None:
    """JSON with one row of `key` per line: small, and still readable in a diff."""
    write_tables(path, head, {key: rows})


def write_tables(path: Path, head: dict, tables: dict[str, list]) -> None:
    """As `write_rows`, for several lists of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compact = lambda value: json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    entries = [f"  {json.dumps(name)}: {compact(value)}" for name, value in head.items()]
    for key, rows in tables.items():
        body = ",\n".join("    " + compact(row) for row in rows)
        entries.append(f"  {json.dumps(key)}: [\n{body}\n  ]")
    path.write_text("{\n" + ",\n".join(entries) + "\n}\n")


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    save_file(plain, str(path), metadata={"format": "pt"})
    path.chmod(0o644)


def write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)


def numbers(tensor: torch.Tensor, digits: int = 9) -> list:
    """Nested lists of numbers; `digits` significant digits hold any float32 exactly."""
    if tensor.ndim == 0:
        value = tensor.item()
        return float(f"{value:.{digits}g}") + 0.0 if isinstance(value, float) else value  # + 0.0: no negative zeros
    return [numbers(part, digits) for part in tensor]
