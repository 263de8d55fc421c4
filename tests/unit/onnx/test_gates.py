"""Recurrent layers of ONNX models as code: the file has gates in another order, and both biases in one weight."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file
from support.code_weights import from_file, in_file
from support.compare import assert_close
from support.jax_code import JaxRun, run_all
from support.keras_code import run_keras_code
from support.torch_code import python_module, run_torch_code
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.emit.jax import emit as emit_jax
from neuralc.emit.keras import emit as emit_keras
from neuralc.emit.structure_of_imports import with_structure
from neuralc.emit.torch import emit as emit_torch
from neuralc.emit.weight_sources import pieces_of
from neuralc.frontends.onnx.load import load_bytes

TIME, BATCH, DEPTH, UNITS = 5, 2, 3, 4
CELLS = {"LSTM": (4, {}), "GRU": (3, {"linear_before_reset": 1}), "RNN": (1, {})}
FORMS = {"torch": {}, "keras": {"sums": True}, "jax": {"sums": True, "transposed_kernels": False}}
X = {"x": np.random.default_rng(1).normal(size=(TIME, BATCH, DEPTH)).astype(np.float32)}


def recurrent_model(op: str) -> tuple[ModuleOp, WeightStore]:
    """A layer in both directions, whose outputs are put one behind the other. Sums of biases are exact in float32."""
    gates, options = CELLS[op]
    rng = np.random.default_rng(0)
    shapes = {"w": (2, gates * UNITS, DEPTH), "r": (2, gates * UNITS, UNITS), "b": (2, 2 * gates * UNITS)}
    arrays = {name: (rng.integers(-64, 64, shape) / 64).astype(np.float32) for name, shape in shapes.items()}
    stored = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    nodes = [
        helper.make_node(op, ["x", *shapes], ["y"], direction="bidirectional", hidden_size=UNITS, **options),
        helper.make_node("Transpose", ["y"], ["t"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["t", "shape"], ["out"]),
    ]
    stored.append(numpy_helper.from_array(np.array([0, 0, 2 * UNITS]), "shape"))
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", (TIME, BATCH, DEPTH)), ("out", (TIME, BATCH, 2 * UNITS)))
    ]
    made = helper.make_graph(nodes, "net", ports[:1], ports[1:], stored)
    loaded = load_bytes(helper.make_model(made, opset_imports=[helper.make_opsetid("", 22)]).SerializeToString())
    return loaded.module, loaded.store


def structured(form: str, op: str) -> tuple[ModuleOp, WeightStore]:
    module, store = recurrent_model(op)
    return with_structure(module, store, **FORMS[form]), store


def test_a_kernel_of_an_lstm_is_its_file_s_with_the_gates_in_another_order() -> None:
    module, _ = structured("torch", "LSTM")
    declared = [op for op in graph.symbols(module).values() if isinstance(op, graph.WeightOp) and op.body is not None]
    pieces = {op.sym_name.data: pieces_of(op) for op in declared}
    (piece,) = pieces["w.kernel"] or ()
    assert piece.source.key == "w"
    assert piece.source.places == ((range(1),), (range(4), range(8, 16), range(4, 8)), (range(DEPTH),))
    assert piece.source.reordered((1, 0)) == (0, 1, 2)  # as PyTorch has it, but for the gates


def test_both_directions_of_a_layer_are_one_of_torch() -> None:
    source = emit_torch(structured("torch", "LSTM")[0])
    assert "nn.LSTM(3, 4, bidirectional=True)" in source


@pytest.mark.parametrize("op", CELLS)
def test_torch_code_reads_and_writes_the_file(op: str, tmp_path: Path) -> None:
    module, store = structured("torch", op)
    save_file(in_file("torch", module, store), tmp_path / "a.safetensors")
    code = python_module(emit_torch(module))
    code.save(code.load(str(tmp_path / "a.safetensors")), str(tmp_path / "b.safetensors"))
    again = from_file("torch", module, load_file(tmp_path / "b.safetensors"))
    for name in used(module):
        np.testing.assert_array_equal(again[name], store[name])


def used(module: ModuleOp) -> set[str]:
    """The weights that views are declared of."""
    return {source for op in module.walk() if isinstance(op, graph.WeightOp) for source in op.source_names}


@pytest.mark.thorough
@pytest.mark.parametrize("op", CELLS)
def test_the_code_of_every_form_computes_the_model(op: str) -> None:
    modules = {form: structured(form, op) for form in FORMS}
    (expected,) = run_module(modules["torch"][0], X, modules["torch"][1])
    assert_close(run_torch_code(modules["torch"][0], X, modules["torch"][1])[0], expected, 1e-10)
    assert_close(run_keras_code(modules["keras"][0], X, modules["keras"][1])[0], expected, 1e-10)
    (found,) = run_all([JaxRun.of(modules["jax"][0], X, modules["jax"][1])])
    assert not isinstance(found, str), found
    assert_close(found[0], expected, 1e-10)


ROUND_TRIP = """
import sys
sys.path.insert(0, sys.argv[1])
import code_of_model as code
code.save(code.load(sys.argv[2]), sys.argv[3])
"""


@pytest.mark.thorough
@pytest.mark.parametrize(("form", "op"), [("keras", "LSTM"), ("jax", "LSTM"), ("jax", "GRU")])
def test_a_file_that_code_writes_is_the_one_it_reads(form: str, op: str, tmp_path: Path) -> None:
    """But for the two biases of an LSTM, of which the code has the sum."""
    module, store = structured(form, op)
    (tmp_path / "code_of_model.py").write_text({"keras": emit_keras, "jax": emit_jax}[form](module))
    names = [str(tmp_path / f"{name}.safetensors") for name in "ab"]
    save_file(in_file(form, module, store), names[0])
    subprocess.run([sys.executable, "-c", ROUND_TRIP, tmp_path, *names], check=True, timeout=120)
    found = from_file(form, module, load_file(names[1]))
    for name in used(module):
        if op == "GRU" or not name.startswith("b"):
            np.testing.assert_array_equal(found[name], store[name])
        else:
            one, other = (sum(np.split(biases[name], 2, axis=1)) for biases in (store, found))
            np.testing.assert_array_equal(one, other)
