"""`neuralc run`: arrays in, arrays out, by every way a model can be run."""

from pathlib import Path

import numpy as np
import pytest

from neuralc import cli
from neuralc.cli_errors import DONE, WRONG_COMMAND_LINE, WRONG_MODEL

MODEL = """network Tiny {
  input: (8)
  layers:
    Dense(4, "relu")
    Output(3, "softmax")
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.nr").write_text(MODEL)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32))
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    return cli.run(["run", str(folder / "tiny.nr"), *arguments])


def test_native_code_and_the_interpreter_agree(folder: Path) -> None:
    given = f"--input={folder / 'x.npy'}"
    assert run(folder, given, "-o", str(folder / "cpu.npy")) == DONE
    assert run(folder, given, "--target=interp", "-o", str(folder / "interp.npy")) == DONE
    expected, found = np.load(folder / "interp.npy"), np.load(folder / "cpu.npy")
    assert found.shape == (5, 3)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_inputs_and_outputs_have_names(folder: Path) -> None:
    assert run(folder, f"--input=input={folder / 'x.npy'}", "-o", str(folder / "y.npz")) == DONE
    with np.load(folder / "y.npz") as outputs:
        assert outputs.files == ["output"]


def test_without_a_destination_the_result_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, f"--input={folder / 'x.npy'}", "--target=interp") == DONE
    assert capsys.readouterr().out.startswith("output: float32 (5, 3)\n[[")


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("x", np.zeros((5, 7), np.float32), "E0904"),
        ("x", np.zeros((5, 8), np.float64), "E0904"),
        ("x", np.zeros((5, 8, 1), np.float32), "E0904"),
        ("y", np.zeros((5, 8), np.float32), "E0904"),
    ],
)
def test_arrays_that_do_not_fit_are_code_1(
    folder: Path, name: str, array: np.ndarray, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(folder / "bad.npy", array)
    name = "input" if name == "x" else name
    output = folder / "y.npy"
    assert run(folder, f"--input={name}={folder / 'bad.npy'}", "-o", str(output)) == WRONG_MODEL
    assert f"error[{reason}]" in capsys.readouterr().err
    assert not output.exists()


def test_what_is_no_array_is_code_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, f"--input={folder / 'tiny.nr'}") == WRONG_MODEL
    assert "tiny.nr is no array" in capsys.readouterr().err
    assert run(folder, f"--input={folder / 'missing.npy'}") == WRONG_MODEL


def test_a_command_line_that_names_inputs_wrongly_is_code_2(folder: Path) -> None:
    x = folder / "x.npy"
    assert run(folder) == WRONG_COMMAND_LINE
    assert run(folder, f"--input={x}", f"--input=input={x}") == WRONG_COMMAND_LINE
