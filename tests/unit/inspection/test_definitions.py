"""Files without a network."""

import json
from pathlib import Path

import pytest

from neuralc.cli import run

MACROS = "define Block(n, size=3) { Conv2D(n, size) }\ndefine Twice { ReLU() * 2 }\n"
NOTES = 'research DeepSeek { metrics { accuracy: 88.3 loss: 0.29 } references { paper: "https://arxiv.org" } }\n'


def written(folder: Path, text: str, suffix: str = ".nr") -> str:
    path = folder / f"m{suffix}"
    path.write_text(text)
    return str(path)


def test_macros_and_notes_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", written(tmp_path, MACROS + NOTES, ".rnr")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "m.rnr, no network", "macro     Block(n, size=3)", "macro     Twice()", "research  DeepSeek",
        "          accuracy: 88.3", "          loss: 0.29", "          paper: https://arxiv.org",
    ]  # fmt: skip


def test_they_are_data_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", written(tmp_path, NOTES), "--format=json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["research"][0]["metrics"] == {"accuracy": 88.3, "loss": 0.29}


def test_there_is_nothing_to_draw_or_compile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, MACROS)
    assert run(["inspect", path, "--format=svg"]) == 2
    assert run([path, "--emit=graph", "-o", "-"]) == 1
    assert "error[E0207]" in capsys.readouterr().err


def test_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", written(tmp_path, MACROS + MACROS)]) == 1
    assert "`Block` is defined twice" in capsys.readouterr().err
