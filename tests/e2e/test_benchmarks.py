"""The benchmark run as a user starts it: a model is exported, measured beside peers, and the run is resumed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.documents import ROOT

FILES = {"try.json", "try.md", "try.png"}


@pytest.mark.thorough
def test_digits_are_measured_and_what_is_known_is_not_measured_again(tmp_path: Path) -> None:
    for package in ("torch", "onnx", "onnxscript", "onnxruntime", "matplotlib"):
        pytest.importorskip(package)
    first = run(tmp_path, "--batch", "1")
    (row,) = first["rows"]
    assert (row["model"], row["batch"], row["threads"], row["error"]) == ("digits", 1, 1, "")
    assert list(row["engines"]) == ["neuralc", "onnxruntime", "torch"]
    assert not any(figures["runs_written_code"] for figures in row["engines"].values())
    ours = row["engines"]["neuralc"]
    assert row["limit"] > 0
    assert 0.01 < ours["share_of_limit"]["median"] < 4  # Winograd's forms take a quarter of the products
    second = run(tmp_path, "--batch", "1,2", "--resume")
    assert second["rows"][0] == row
    assert [each["batch"] for each in second["rows"]] == [1, 2]
    assert second["machine"] == first["machine"]
    assert {each.name for each in tmp_path.iterdir()} == FILES
    assert "| digits 8x8 | 2 | 1 |" in (tmp_path / "try.md").read_text()


def run(folder: Path, *arguments: str) -> dict[str, list[dict[str, object]]]:
    """What a run of digits stores."""
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--part", "models", "--only", "digits", *arguments]
    command += ["--threads", "1", "--compare", "onnxruntime,torch", "--rounds", "3", "--seconds", "0.001"]
    done = subprocess.run([*command, "--name", "try", "-o", str(folder)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, object]]] = json.loads((folder / "try.json").read_text())
    return found
