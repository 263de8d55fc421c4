"""Emitted code as a whole: files a person has read, for changes to be seen. They stand beside the tests of each form.

NEURALC_UPDATE_GOLDEN=1 pytest tests/unit/emit_python/test_golden.py    writes them anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from neuralc.emit.structure_of_programs import with_layers
from neuralc.frontends.nr.load import load

UNIT = Path(__file__).parents[1]
EXAMPLES = UNIT.parents[1] / "examples"
SMALL = (*sorted((UNIT / "emit_torch" / "golden").glob("*.nr")), EXAMPLES / "digits.nr", EXAMPLES / "mlp.nr")
LARGE = {
    "torch": ("bert", "mobilenet_v2", "resnet50", "tagger"),
    "keras": ("bert", "resnet50", "tagger"),
    "jax": ("bert", "resnet50", "tagger"),
}
"""Networks of papers that are kept in a form."""


def golden(form: str) -> Path:
    return UNIT / f"emit_{form}" / "golden"


def models(form: str) -> list[Path]:
    return [*SMALL, *(EXAMPLES / "models" / f"{name}.nr" for name in LARGE[form])]


CASES = [(form, model) for form in LARGE for model in models(form)]


@pytest.mark.parametrize(("form", "model"), CASES, ids=[f"{form}-{model.stem}" for form, model in CASES])
def test_emitted_code_is_what_it_was(form: str, model: Path) -> None:
    expected = golden(form) / f"{model.stem}_{form}.py"
    found = import_module(f"neuralc.emit.{form}").emit(with_layers(load(model).module))
    if os.environ.get("NEURALC_UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", LARGE)
def test_every_golden_file_has_its_model(form: str) -> None:
    assert {path.stem for path in golden(form).glob("*.py")} == {f"{model.stem}_{form}" for model in models(form)}


@pytest.mark.parametrize("form", LARGE)
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_emitted_code_passes_ruff(form: str, command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", golden(form)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
