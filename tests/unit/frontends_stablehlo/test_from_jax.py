"""What neuralc.from_jax promises of weights, names, sizes and refusals; jax runs in a process of its own."""

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
SCRIPT = Path(__file__).parent / "api_checks.py"
NAMES = re.findall(r"^@check\ndef (\w+)", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)


@cache
def _reports() -> dict[str, dict[str, Any]]:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert reports, done.stderr
    return {report["name"]: report for report in reports}


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_from_jax(name: str) -> None:
    report = _reports()[name]
    assert "failure" not in report, report["failure"]
