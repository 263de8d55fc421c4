"""`neuralc test`: the files that a `test` block names, against what the model computes."""

import json
from pathlib import Path

import numpy as np
import pytest

from neuralc import cli
from neuralc.cli_errors import DONE, WRONG_MODEL

INPUTS = np.array([[1, 2], [3, 4], [5, 6]], np.float32)


def program(folder: Path, block: str, name: str = "m") -> Path:
    """A model of a sum and a product, its inputs, and what they are."""
    np.save(folder / "a.npy", INPUTS)
    np.save(folder / "b.npy", 2 * INPUTS)
    np.save(folder / "sum.npy", 3 * INPUTS)
    np.save(folder / "product.npy", 2 * INPUTS**2)
    path = folder / f"{name}.nr"
    layers = "p = Add(a, b) q = Multiply(a, b)"
    path.write_text(f"network M {{ input: {{ a: (2), b: (2) }} layers: {layers} outputs: (p, q) {block} }}")
    return path


BLOCK = 'test { inputs: ["a.npy", "b.npy"] expect: ["sum.npy", "product.npy"] tolerance: 1e-6 }'


@pytest.mark.parametrize("target", ["cpu", "interp"])
def test_a_model_that_is_right(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["test", str(program(tmp_path, BLOCK)), "--target", target]) == DONE
    assert "agrees: 2 outputs with its `test` block" in capsys.readouterr().out


def test_a_value_that_differs_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = program(tmp_path, BLOCK)
    expected = 2 * INPUTS**2
    expected[1, 0] += 0.5
    np.save(tmp_path / "product.npy", expected)
    assert cli.run(["test", str(path)]) == WRONG_MODEL
    told = capsys.readouterr().out
    assert "q: 1 of 6 values differ, the worst at [1, 0]: 18, expected 18.5" in told
    assert told.endswith("differs: 1 of 2 outputs from its `test` block\n")


def test_the_tolerance_is_that_of_the_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = program(tmp_path, BLOCK.replace("1e-6", "0.01"))
    np.save(tmp_path / "sum.npy", 3 * INPUTS + 0.15)  # of a largest value of 18.15
    assert cli.run(["test", str(path)]) == DONE
    program(tmp_path, BLOCK.replace("tolerance: 1e-6", ""))
    np.save(tmp_path / "sum.npy", 3 * INPUTS + 0.001)
    assert cli.run(["test", str(path)]) == WRONG_MODEL


def test_several_models_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(program(tmp_path, BLOCK, name)) for name in ("one", "two")]
    assert cli.run(["test", *paths]) == DONE
    assert capsys.readouterr().out.endswith("2 of 2 models agree\n")
    assert cli.run(["test", *paths, "--json"]) == DONE
    assert [each["agrees"] for each in json.loads(capsys.readouterr().out)] == [True, True]


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("", "error[E0815]: m.nr has no `test` block"),
        ('test { inputs: "a.npy" expect: ["sum.npy", "product.npy"] }', "names 1 files of inputs, the model has 2"),
        ('test { inputs: ["a.npy", "b.npy"] }', "names 0 files of outputs, the model has 2"),
        ('test { inputs: ["a.npy", "c.npy"] expect: ["sum.npy", "product.npy"] }', "error[E0901]: cannot read"),
        ('test { inputs: ["a.npy", "b.npy"] expect: ["m.nr", "product.npy"] }', "m.nr is no array"),
    ],
)
def test_what_cannot_be_tested_is_an_error(
    block: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["test", str(program(tmp_path, block))]) == WRONG_MODEL
    assert told in capsys.readouterr().err
