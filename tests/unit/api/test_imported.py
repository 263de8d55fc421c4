"""A model of a framework: what it compiles to, what it is written as, and the files that stand beside code."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from support.graph_modules import GraphModule, tensor
from xdsl.ir import SSAValue

import neuralc
from neuralc.dialects import graph
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.imported import ImportedModel
from neuralc.mapped_file import safetensors_pieces

KERNEL = np.arange(12, dtype=np.float32).reshape(4, 3)


def imported() -> ImportedModel:
    build = GraphModule()

    def body(x: SSAValue) -> SSAValue:
        return graph.DenseOp.of(x, build.weight("fc.kernel", KERNEL)).result

    module = build.model({"x": tensor("batch", 4)}, body)
    return ImportedModel("small", module, build.weights)


def test_it_compiles_and_stays_as_it_is() -> None:
    model = imported()
    before = str(model.module)
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(model.compile(threads=1)(x), x @ KERNEL)
    np.testing.assert_allclose(neuralc.compile(model, dims={"batch": 2})(x), x @ KERNEL)
    assert str(model.module) == before
    assert list(model.weights) == ["fc.kernel"]


def test_code_is_a_text_and_weights_stand_beside_its_file(tmp_path: Path) -> None:
    model = imported()
    assert "nn.Linear(4, 3, bias=False)" in str(model.emit("torch"))
    path = model.emit("torch", tmp_path / "small.py")
    assert path == tmp_path / "small.py"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["small.py", "small.safetensors"]
    np.testing.assert_array_equal(load_file(tmp_path / "small.safetensors")["fc.weight"], KERNEL.T)


def test_a_program_that_starts_untrained_has_no_weights_beside_it(tmp_path: Path) -> None:
    (tmp_path / "m.nr").write_text("network N { input: (4) layers: Dense(3) }")
    neuralc.convert(tmp_path / "m.nr", "torch", tmp_path / "m.py")
    assert not (tmp_path / "m.safetensors").exists()


def test_a_folder_needs_a_path() -> None:
    with pytest.raises(NeuralcError, match="is a folder"):
        imported().emit("cuda", target="cuda")


def test_pieces_are_a_safetensors_file_of_every_element_type(tmp_path: Path) -> None:
    arrays = {
        "scalar": np.array(3, np.int64),
        "empty": np.zeros((0, 2), np.float32),
        "strided": np.arange(12, dtype=np.float64).reshape(3, 4).T,
        "truth": np.array([True, False]),
        "half": np.array([1.5], np.float16),
        "brain": np.array([1.5, -2], ml_dtypes.bfloat16),
    }
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"".join(safetensors_pieces(WeightStore(arrays))))
    with safe_open(path, "numpy") as stored:
        assert set(stored.keys()) == set(arrays)
        for name, array in arrays.items():
            found = stored.get_tensor(name)
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)


def test_an_element_type_that_the_format_lacks_is_named() -> None:
    with pytest.raises(ValueError, match="complex64, which `c` has"):
        list(safetensors_pieces({"c": np.zeros(1, np.complex64)}))
