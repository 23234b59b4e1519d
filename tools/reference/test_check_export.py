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

CASE = GOLDEN / "qwen2_5_vl" / "one-image"
BASE = CASE / "checkpoint"


def failures(checks) -> set[str]:
    return {check.name for check in checks if not check.passed}


class CheckExport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.adapter = self.folder / "adapter"
        shutil.copytree(CASE / "adapter", self.adapter)
        expected = load_file(CASE / "expected.safetensors")
        self.ours = {key: expected[key] for key in ("input_ids", "logits")}

    def merged(self, change=lambda name, weight: weight) -> Path:
        folder = self.folder / "merged"
        shutil.copytree(BASE, folder)
        model = load_adapter(load_model(BASE), CASE / "adapter").merge_and_unload()
        weights = {name: change(name, weight).contiguous() for name, weight in model.state_dict().items()}
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        return folder

    def check(self, merged: Path | None = None) -> set[str]:
        file = self.folder / "ours.safetensors"
        save_file(self.ours, file)
        return failures(check_export(BASE, self.adapter, merged, file, CASE))

    def rename(self, old: str, new: str):
        file = self.adapter / "adapter_model.safetensors"
        save_file({key.replace(old, new): value for key, value in load_file(file).items()}, file, {"format": "pt"})

    def test_a_good_export_passes(self):
        self.assertEqual(self.check(self.merged()), set())

    def test_a_bfloat16_merge_passes(self):
        self.assertEqual(self.check(self.merged(lambda _, weight: weight.bfloat16())), set())

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
        original = load_file(BASE / "model.safetensors")
        name = "model.language_model.layers.1.self_attn.k_proj.weight"
        stale = original["model.layers.1.self_attn.k_proj.weight"]
        merged = self.merged(lambda key, weight: stale if key == name else weight)
        self.assertEqual(self.check(merged), {"merged logits", "merged weights"})


if __name__ == "__main__":
    unittest.main()
