"""The emitted text as a whole: files a person has read, for changes to be seen.

NEURALC_UPDATE_GOLDEN=1 pytest tests/unit/emit_torch/test_golden.py    writes them anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neuralc.emit.structure_of_programs import with_layers
from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import load

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parents[3] / "examples"
MODELS = [
    *sorted(GOLDEN.glob("*.nr")),
    EXAMPLES / "digits.nr",
    EXAMPLES / "mlp.nr",
    *(EXAMPLES / "models" / f"{name}.nr" for name in ("bert", "mobilenet_v2", "resnet50")),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_emitted_code_is_what_it_was(model: Path) -> None:
    golden = GOLDEN / f"{model.stem}_torch.py"
    found = emit(with_layers(load(model).module))
    if os.environ.get("NEURALC_UPDATE_GOLDEN"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_every_golden_file_has_its_model() -> None:
    assert {path.stem for path in GOLDEN.glob("*.py")} == {f"{model.stem}_torch" for model in MODELS}


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_emitted_code_passes_ruff(command: list[str]) -> None:
    pytest.importorskip("ruff", reason="ruff is in the [dev] extra")
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", GOLDEN], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
