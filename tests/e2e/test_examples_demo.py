"""`make demo`: runs with the core's dependencies alone and says what it found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "sklearn", "mlxtend", "triton", "onnx", "scipy"}:
            raise ModuleNotFoundError(f"{name} is not in the core")

sys.meta_path.insert(0, Absent())
sys.path.insert(0, "examples")
import demo
demo.main()
"""


def test_demo_needs_the_core_alone_and_prints_its_accuracy() -> None:
    run = subprocess.run(
        [sys.executable, "-c", BLOCK], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    accuracy = re.search(r"^accuracy (\d+\.\d) %$", run.stdout, re.MULTILINE)
    assert accuracy is not None, run.stdout
    assert float(accuracy[1]) >= 97.0
    for promised in ("latency", "batch 64", "sizes", "IR dumps", "index.html"):
        assert promised in run.stdout
