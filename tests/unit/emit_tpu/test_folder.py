"""The folder of `--target tpu`: what it holds, and that the program in it computes what the model does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neuralc
from neuralc.runtime import ModelError

pytest.importorskip("jax")
pytestmark = pytest.mark.thorough

EXAMPLES = Path(__file__).parents[3] / "examples"


def neuralc_command(*arguments: object, platform: str = "cpu") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "neuralc", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "JAX_PLATFORMS": platform},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tpu") / "digits.tpu"
    done = neuralc_command(EXAMPLES / "digits.nr", "--target", "tpu", "-o", path)
    assert done.returncode == 0, done.stderr
    return path


def test_it_holds_code_and_the_lowered_program(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"manifest.json", "model.jaxexport", "model.py", "model.stablehlo", "weights.safetensors"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["platforms"] == ["tpu", "cpu"]
    assert manifest["inputs"] == [{"name": "image", "shape": ["batch", 8, 8, 1], "dtype": "float32"}]
    assert manifest["outputs"] == [{"name": "probabilities", "shape": ["batch", 10], "dtype": "float32"}]
    assert "stablehlo.convolution" in (folder / "model.stablehlo").read_text()


def test_products_of_float32_are_asked_for_in_full(folder: Path) -> None:
    text = (folder / "model.stablehlo").read_text()
    lines = [line for line in text.splitlines() if "stablehlo.convolution" in line or "stablehlo.dot_general" in line]
    assert lines
    assert all("HIGHEST" in line for line in lines)


def test_it_runs_for_any_batch_where_jax_has_a_device(folder: Path, tmp_path: Path) -> None:
    model = neuralc.compile(EXAMPLES / "digits.nr")
    for batch in (1, 5):
        x = np.random.default_rng(batch).random((batch, 8, 8, 1), dtype=np.float32)
        np.save(tmp_path / "x.npy", x)
        done = neuralc_command("run", folder, "--input", tmp_path / "x.npy", "-o", tmp_path / "y.npy")
        assert done.returncode == 0, done.stderr
        np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(x), atol=1e-5)


def test_the_same_model_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    neuralc_command(EXAMPLES / "digits.nr", "--target", "tpu", "-o", tmp_path / "digits.tpu")
    for path in folder.iterdir():
        assert (tmp_path / "digits.tpu" / path.name).read_bytes() == path.read_bytes(), path.name


def test_inputs_that_do_not_fit_are_refused(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8, 1)))
    done = neuralc_command("run", folder, "--input", tmp_path / "x.npy")
    assert done.returncode == 1
    assert "E0904" in done.stderr
    np.save(tmp_path / "x.npy", np.zeros((2, 7, 8, 1), np.float32))
    done = neuralc_command("run", folder, "--input", tmp_path / "x.npy")
    assert done.returncode == 1
    assert "E0904" in done.stderr


def test_a_folder_for_other_devices_says_so(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "digits.tpu"
    subprocess.run(["cp", "-r", folder, other], check=True)
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "platforms": ["tpu"]}))
    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8, 1), np.float32))
    done = neuralc_command("run", other, "--input", tmp_path / "x.npy")
    assert done.returncode == 1
    assert "E0913" in done.stderr
    assert "digits.tpu is for tpu, jax has cpu" in done.stderr


def test_a_folder_of_another_version_is_refused(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "digits.tpu"
    subprocess.run(["cp", "-r", folder, other], check=True)
    (other / "manifest.json").write_text("{}")
    with pytest.raises(ModelError, match="E0906"):
        neuralc.load(other)


def test_what_jax_cannot_lower_is_told(tmp_path: Path) -> None:
    done = neuralc_command(EXAMPLES / "mlp.nr", "--target", "tpu", "-o", tmp_path / "mlp.tpu", platform="none_such")
    assert done.returncode == 1
    assert "E0851" in done.stderr
    assert "none_such" in done.stderr


def test_states_go_on_from_run_to_run(tmp_path: Path) -> None:
    """In a process of its own, as jax does not share one with what pytest has loaded."""
    (tmp_path / "m.nr").write_text("network M { input: (3, 2) layers: LSTM(4, stateful=true) }")
    done = neuralc_command(tmp_path / "m.nr", "--target", "tpu", "-o", tmp_path / "m.tpu")
    assert done.returncode == 0, done.stderr
    script = """
import sys
import numpy as np
import neuralc
from neuralc.runtime import ModelError
exported, native = neuralc.load(sys.argv[1] + "/m.tpu"), neuralc.compile(sys.argv[1] + "/m.nr")
x = np.random.default_rng(0).standard_normal((5, 3, 2)).astype(np.float32)
first = exported(x)
np.testing.assert_allclose(first, native(x), atol=1e-6)
np.testing.assert_allclose(exported(x), native(x), atol=1e-6)
assert np.abs(exported(x) - first).max() > 1e-3
try:
    exported(x[:2])
except ModelError as refusal:
    print(refusal)
exported.reset()
np.testing.assert_array_equal(exported(x), first)
exported.reset()
assert exported(x[:2]).shape == (2, 4)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr
    assert "E0912" in done.stdout
