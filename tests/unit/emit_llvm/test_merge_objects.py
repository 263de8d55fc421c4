"""Objects of the parts of a model as one: linked, it computes what the model does, and shows the C interface alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.compare import Array

import neuralc
from neuralc.cli import run
from neuralc.emit.llvm import kernel
from neuralc.emit.llvm.elf import UNDEFINED, Kind, sections_of, symbols_of
from neuralc.emit.llvm.link import link_command
from neuralc.emit.llvm.merge_objects import merge
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.target import Target

MODEL = """
network Net {
  input: (12, 12, 3)
  layers:
    Conv2D(8, 3)
    MaxPooling2D(2)
    Flatten()
    Dense(32, activation: "tanh")
    Dense(7, activation: "softmax")
}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.nr"
    path.write_text(MODEL)
    return path


def object_of(model: Path, path: Path) -> bytes:
    assert run([str(model), "--emit=obj", "-o", str(path), "--no-cache"]) == 0
    return path.read_bytes()


def linked(path: Path) -> Path:
    try:
        command = link_command(Target.host().triple, [path.name])
    except NeuralcError as fault:
        pytest.skip(str(fault))
    subprocess.run(command, check=True, capture_output=True, cwd=path.parent)
    return path.with_name("model.so")


@pytest.mark.parametrize("enough", [1, 1 << 30])
def test_parts_of_any_size_make_the_same_model(
    model: Path, tmp_path: Path, enough: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x: Array = np.random.default_rng(0).standard_normal((3, 12, 12, 3)).astype(np.float32)
    expected = neuralc.compile(model, cache=False)(x)
    monkeypatch.setattr(kernel, "ENOUGH", enough)
    code = object_of(model, tmp_path / "net.o")
    texts = [section for section in sections_of(code) if section.type == Kind.PROGBITS and section.flags & 4]
    assert (len(texts) > 2) == (enough == 1)
    np.testing.assert_array_equal(neuralc.load(linked(tmp_path / "net.o"))(x), expected)
    shown = {each.text for each in symbols_of(code) if each.binding and each.section != UNDEFINED}
    assert shown
    assert all(name.startswith("nrc_") for name in shown)


def test_what_two_parts_define_is_refused(model: Path, tmp_path: Path) -> None:
    code = object_of(model, tmp_path / "net.o")
    assert merge([code]) is code
    with pytest.raises(NeuralcError, match="two parts of a model define `nrc_"):
        merge([code, code])
    with pytest.raises(NeuralcError, match="E0841"):
        merge([b"MZ", code])
