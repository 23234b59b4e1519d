"""Reference values for src/formats/gguf.ts and gguf-types.ts, by gguf-py: codes of blocks, and a whole small file.

    python -m tools.reference.gguf_files > tests/golden/gguf.json
"""

import base64
import json
import tempfile
from pathlib import Path

import gguf
import numpy as np


def values() -> np.ndarray:
    """Rows of 32: noise of three sizes, zeros, one peak, ties at halves, tiny numbers, a negative largest value."""
    random = np.random.default_rng(5)
    rows = [random.normal(size=32) * scale for scale in (1, 0.02, 300)]
    rows += [np.zeros(32), np.eye(32)[7] * -5, np.arange(32) / 2 - 8, random.normal(size=32) * 1e-6]
    rows += [np.where(np.arange(32) == 3, -9.5, random.normal(size=32))]
    return np.stack(rows).astype(np.float32)


def text(data: np.ndarray | bytes) -> str:
    return base64.b64encode(data if isinstance(data, bytes) else data.tobytes()).decode()


def whole_file(matrix: np.ndarray) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_uint32("llama.block_count", 3)
        writer.add_float32("llama.rope.freq_base", 1e4)
        writer.add_bool("tokenizer.ggml.add_bos_token", False)
        writer.add_array("tokenizer.ggml.tokens", ["a", "é", "Ġthe"])
        writer.add_array("tokenizer.ggml.token_type", [1, 3, 5])
        writer.add_tensor("norm.weight", matrix[0, :5].copy())
        writer.add_tensor("half.weight", matrix[:3, :7].astype(np.float16))
        for name, kind in (("eight", gguf.GGMLQuantizationType.Q8_0), ("four", gguf.GGMLQuantizationType.Q4_0)):
            writer.add_tensor(f"{name}.weight", gguf.quants.quantize(matrix, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def main() -> None:
    matrix = values()
    kinds = {name: getattr(gguf.GGMLQuantizationType, name) for name in ("F16", "BF16", "Q8_0", "Q4_0")}
    print(
        json.dumps(
            {
                "values": text(matrix),
                "codes": {name: text(gguf.quants.quantize(matrix, kind)) for name, kind in kinds.items()},
                "file": text(whole_file(matrix)),
            }
        )
    )


if __name__ == "__main__":
    main()
