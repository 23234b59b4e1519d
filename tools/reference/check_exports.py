"""Our exports of every golden case against PEFT and transformers, made and checked by one command.

    python -m tools.reference.check_exports [CASE…]

Runs `npm run verify -- --export` on the cases (default: all of tests/golden's families), then check_export on each.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from .check_export import check_export
from .files import GOLDEN, ROOT

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "smolvlm")


def main(paths: list[str]) -> int:
    found = [case.parent for family in FAMILIES for case in sorted((GOLDEN / family).glob("*/case.json"))]
    # PEFT loads a base in codes only on a GPU: tests/train/coded-export.test.ts looks after their exports.
    plain = [case for case in found if "quantization_config" not in (case / "checkpoint/config.json").read_text()]
    cases = [Path(path) for path in paths] or plain
    failed = checked = 0
    with tempfile.TemporaryDirectory() as out:
        command = ["npm", "run", "-s", "verify", "--", "--export", out, *map(str, cases)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        for case in cases:
            exported = Path(out) / case.parent.name / case.name
            if not exported.exists():
                continue
            print(f"{case.parent.name}/{case.name}", flush=True)
            for check in check_export(case / "checkpoint", exported / "adapter", exported / "merged", exported / "ours.safetensors", case):
                print(f"  {check}", flush=True)
                checked += 1
                failed += not check.passed
    print(f"{checked} checks, {failed} failed")
    return int(failed > 0 or checked == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
