"""Every handler of the StableHLO front end against jax: float64 to 1e-10, and whole models native in fp32 to 1e-5.

jax runs in a process of its own, one for each file of cases (worker.py); a test looks at what it said of one case.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jaxlib")

FOLDER = Path(__file__).parent
FILES = sorted(path.name for path in FOLDER.glob("*_cases.py"))
BARS = {"exact": 1e-10, "native": 1e-5}


def _names(file: str) -> list[str]:
    return re.findall(r"^@case\ndef (\w+)", (FOLDER / file).read_text(encoding="utf-8"), re.MULTILINE)


@cache
def _reports(file: str, mode: str) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(FOLDER / "worker.py"), str(FOLDER / file), mode],
        capture_output=True, text=True, timeout=600, check=False, env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert reports, done.stderr
    return {report["name"]: report for report in reports}


def _check(report: dict[str, Any], bar: float) -> None:
    assert "failure" not in report, report["failure"]
    assert report["error"] <= bar
    if report["wanted"] is not None:
        assert report["ops"] == report["wanted"]


@pytest.mark.thorough
@pytest.mark.parametrize(("file", "name"), [(file, name) for file in FILES for name in _names(file)])
def test_agrees_with_jax(file: str, name: str) -> None:
    _check(_reports(file, "exact")[name], BARS["exact"])


@pytest.mark.thorough
@pytest.mark.parametrize("name", _names("model_cases.py"))
def test_native_code_agrees_with_jax(name: str) -> None:
    _check(_reports("model_cases.py", "native")[name], BARS["native"])


SINGLE = {"nnx_transformer"}
"""jax.nn.dot_product_attention has its softmax in single precision, whatever it is given."""


@pytest.mark.thorough
@pytest.mark.parametrize("name", _names("flax_models.py"))
def test_models_of_flax_agree(name: str) -> None:
    pytest.importorskip("flax")
    mode = "native" if name in SINGLE else "exact"
    _check(_reports("flax_models.py", mode)[name], BARS[mode])
