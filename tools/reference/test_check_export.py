"""`python -m unittest tools.reference.test_check_export`: good exports pass, and each kind of bad one is caught."""

import shutil
import tempfile
import unittest
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from .adapters import load_adapter
from .check_export import check_export
from .checkpoint import load_model
from .files import GOLDEN


def failures(checks) -> set[str]:
    return {check.name for check in checks if not check.passed}


class Exports(unittest.TestCase):
    """What a good export of a case looks like, for tests to spoil."""

    case: Path

    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)

    def setUp(self):
        self.base = self.case / "checkpoint"
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.adapter = self.folder / "adapter"
        shutil.copytree(self.case / "adapter", self.adapter)
        expected = load_file(self.case / "expected.safetensors")
        self.ours = {key: expected[key] for key in ("input_ids", "logits")}

    def merged(self, change=lambda name, weight: weight) -> Path:
        folder = self.folder / "merged"
        shutil.copytree(self.base, folder)
        model = load_adapter(load_model(self.base), self.case / "adapter").merge_and_unload()
        weights = {name: change(name, weight).contiguous() for name, weight in model.state_dict().items()}
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        return folder

    def check(self, merged: Path | None = None) -> set[str]:
        file = self.folder / "ours.safetensors"
        save_file(self.ours, file)
        return failures(check_export(self.base, self.adapter, merged, file, self.case))

    def rename(self, old: str, new: str):
        file = self.adapter / "adapter_model.safetensors"
        save_file({key.replace(old, new): value for key, value in load_file(file).items()}, file, {"format": "pt"})


class Good:
    """Tests for every family."""

    def test_a_good_export_passes(self):
        self.assertEqual(self.check(self.merged()), set())

    def test_a_bfloat16_merge_passes(self):
        self.assertEqual(self.check(self.merged(lambda _, weight: weight.bfloat16())), set())


class Qwen25VL(Good, Exports):
    case = GOLDEN / "qwen2_5_vl" / "one-image"

    def test_legacy_key_names_are_caught(self):
        self.rename("model.language_model.layers", "model.layers")
        self.assertIn("adapter keys missing", self.check())

    def test_an_extra_module_is_caught(self):
        file = self.adapter / "adapter_model.safetensors"
        tensors = load_file(file)
        key = next(iter(tensors))
        save_file({**tensors, key.replace("layers.0", "layers.7"): tensors[key].clone()}, file, {"format": "pt"})
        self.assertIn("adapter keys unexpected", self.check())

    def test_different_logits_are_caught(self):
        self.ours["logits"] = self.ours["logits"] + 0.01
        self.assertEqual(self.check(), {"logits"})

    def test_an_unmerged_layer_is_caught(self):
        original = load_file(self.base / "model.safetensors")
        name = "model.language_model.layers.1.self_attn.k_proj.weight"
        stale = original["model.layers.1.self_attn.k_proj.weight"]
        merged = self.merged(lambda key, weight: stale if key == name else weight)
        self.assertEqual(self.check(merged), {"merged logits", "merged weights"})


class Qwen2VL(Good, Exports):
    case = GOLDEN / "qwen2_vl" / "one-image"


class Qwen3VL(Good, Exports):
    case = GOLDEN / "qwen3_vl" / "one-image"

    def test_pixels_may_come_with_the_logits(self):
        pixels = load_file(self.case / "expected.safetensors")["pixel_values"]
        self.ours |= {"pixel_values": pixels, "image_grid_thw": torch.tensor([[1, 6, 4]])}
        self.assertEqual(self.check(), set())


class SmolVLM(Good, Exports):
    case = GOLDEN / "smolvlm" / "split"

    def test_pixels_may_come_with_the_logits(self):
        self.ours["pixel_values"] = load_file(self.case / "expected.safetensors")["pixel_values"]
        self.assertEqual(self.check(), set())


class Idefics3(Good, Exports):
    case = GOLDEN / "smolvlm" / "nine"

    def test_tiles_may_come_in_patches(self):
        """9 × 9 patches of 4, of which 3 × 3 make a token."""
        tiles = load_file(self.case / "expected.safetensors")["pixel_values"]
        blocks = [block for tile in tiles for row in tile.split(12, 1) for block in row.split(12, 2)]
        patches = [patch.flatten() for block in blocks for row in block.split(4, 1) for patch in row.split(4, 2)]
        self.ours["pixel_values"] = torch.stack(patches)
        self.assertEqual(self.check(), set())


if __name__ == "__main__":
    unittest.main()
