"""Weights files that emitted code wrote are read for the model, whatever names and layouts the framework has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file
from support.code_weights import in_file
from support.torch_code import python_module

import neuralc
from neuralc.emit.code_forms import FORMS
from neuralc.emit.written_model import WrittenModel
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.weights_file import bind_weights, initial_weights

LAYERS = """
  Conv2D(6, 3) BatchNormalization(scale=false) DepthwiseConv2D(3, depth_multiplier=2) Reshape((16, 12))
  x = Dense(8) MultiHeadAttention(2, 4)(x, x) LayerNormalization()
  Bidirectional(LSTM(4, return_sequences=true)) GRU(5) Dense(3)
"""
PROGRAM = f"network Net {{ input: image: (8, 8, 3) layers: {LAYERS} }}"
X = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize("form", FORMS)
def test_the_weights_of_a_program_come_back(form: str, tmp_path: Path) -> None:
    program = load(Source("net.nr", PROGRAM))
    weights = initial_weights(program.weights)
    module = WrittenModel(program.module).in_blocks(**FORMS[form].declared)
    save_file(in_file(form, module, weights), tmp_path / "w.safetensors")
    bound = bind_weights(program, tmp_path / "w.safetensors")
    # JAX code has the model's own names.
    assert [message.code for message in bound.messages] == ([] if form == "jax" else ["W0502"])
    for name, array in weights.items():
        np.testing.assert_array_equal(bound.store[name], array)


@pytest.mark.thorough
def test_what_torch_trained_runs_here(tmp_path: Path) -> None:
    import torch
    from safetensors import torch as files

    (tmp_path / "net.nr").write_text(PROGRAM)
    neuralc.convert(tmp_path / "net.nr", "torch", tmp_path / "net.py")
    torch.manual_seed(0)
    model = python_module((tmp_path / "net.py").read_text()).Net()
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], 0.1)
    model(torch.from_numpy(X)).square().mean().backward()
    optimizer.step()
    files.save_file(model.state_dict(), tmp_path / "trained.safetensors")
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(X)).numpy()
    found = neuralc.compile(tmp_path / "net.nr", weights=tmp_path / "trained.safetensors")(X)
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(1, np.abs(expected).max()))


# -- an import whose weights have the names of torch, and other layouts ------------------------------------------------
def onnx_model(path: Path, outputs: int) -> None:
    """A matrix that has the name of the weight of `nn.Linear`, and its transpose."""
    rng = np.random.default_rng(0)
    arrays = {"fc.weight": rng.normal(size=(4, outputs)), "fc.bias": rng.normal(size=outputs)}
    stored = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()]
    nodes = [
        helper.make_node("MatMul", ["x", "fc.weight"], ["product"], name="/fc/MatMul"),
        helper.make_node("Add", ["product", "fc.bias"], ["y"], name="/fc/Add"),
    ]
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, size)) for name, size in (("x", 4), ("y", outputs))
    ]
    graph = helper.make_graph(nodes, "net", ports[:1], ports[1:], stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)


@pytest.mark.thorough
@pytest.mark.parametrize("outputs", [3, 4])
def test_a_file_of_torch_has_its_layouts_also_where_the_names_are_those_of_the_model(
    outputs: int, tmp_path: Path
) -> None:
    path = tmp_path / "net.onnx"
    onnx_model(path, outputs)
    neuralc.convert(path, "torch", tmp_path / "net_torch.py")
    x = np.random.default_rng(1).normal(size=(2, 4)).astype(np.float32)
    expected = neuralc.compile(path)(x)
    np.testing.assert_array_equal(neuralc.compile(path, weights=tmp_path / "net_torch.safetensors")(x), expected)
    original = onnx.load(path).graph.initializer
    own = {tensor.name: numpy_helper.to_array(tensor) for tensor in original}
    save_file(own, tmp_path / "own.safetensors", metadata={"format": "np"})
    np.testing.assert_array_equal(neuralc.compile(path, weights=tmp_path / "own.safetensors")(x), expected)


def test_a_file_that_may_have_the_layouts_of_either_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx_model(path, 4)
    neuralc.convert(path, "torch", tmp_path / "net_torch.py")
    save_file(load_file(tmp_path / "net_torch.safetensors"), tmp_path / "w.safetensors")
    with pytest.raises(NeuralcError) as caught:
        neuralc.compile(path, weights=tmp_path / "w.safetensors")
    (told,) = caught.value.diagnostics
    assert told.code == "E0502"
    assert told.notes == ("fc.weight has other axes in the model's PyTorch code, and the same shape",)
    assert "metadata={'format': 'pt'}" in str(told.help)
