"""Keras models on the command line, as `.nr` programs are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.keras_reference import keras, layers

import neuralc
from neuralc import cli

pytestmark = pytest.mark.thorough


@pytest.fixture
def path(tmp_path: Path, single: None) -> Path:
    given = keras.Input((None, 4), name="steps")
    x = layers.GlobalAveragePooling1D()(layers.Dense(3, "relu", name="dense")(given))
    keras.Model(given, layers.Dense(2, name="scores")(x), name="m").save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def test_a_model_file_is_compiled_and_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    expected = keras.ops.convert_to_numpy(keras.saving.load_model(path)(x))
    np.testing.assert_allclose(neuralc.compile(path)(x), expected, atol=1e-5)
    np.save(path.parent / "x.npy", x)
    assert cli.run(["run", str(path), "--input", str(path.parent / "x.npy"), "-o", str(path.parent / "y.npy")]) == 0
    np.testing.assert_allclose(np.load(path.parent / "y.npy"), expected, atol=1e-5)
    assert cli.run([str(path), "-o", str(path.parent / "m.so")]) == 0
    np.testing.assert_allclose(neuralc.load(str(path.parent / "m.so"))(x), expected, atol=1e-5)


def test_inspect_names_layers(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "scores" in shown
    assert "(batch, steps_1, 4)" in shown


def test_verify_against_the_interpreter(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["verify", str(path), "--against", "interp"]) == 0
    assert "agrees" in capsys.readouterr().out


def test_dim_fixes_a_size(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([str(path), "--emit=graph", "-o", "-", "--dim", "steps_1=7", "--pass-pipeline="]) == 0
    assert "tensor<?x7x4xf32" in capsys.readouterr().out


def test_a_damaged_file_is_one_message(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(path.read_bytes()[:100])
    assert cli.run([str(path)]) == 1
    assert capsys.readouterr().err.startswith("error[E0640]")


def test_a_file_is_read_without_keras(path: Path) -> None:
    code = (
        "import sys; from neuralc.frontends.keras.load import load; load(sys.argv[1]); "
        "print([name for name in ('keras', 'torch', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_weights_lie_in_the_file(path: Path) -> None:
    """What is read is a view of the file: nothing is in memory twice."""
    from neuralc.frontends.keras.load import load

    kernel = load(path).weights["dense.kernel"]
    assert not kernel.flags.writeable or kernel.base is None
