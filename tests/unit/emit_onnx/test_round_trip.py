"""`.nr` -> ONNX -> graph: numbers, names of weights, and what ONNX keeps in its metadata."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from support.compare import assert_close
from support.nr_programs import random_store
from support.onnx_code import by_onnxruntime, emitted, with_states
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.frontends.nr.load import LoadedProgram, load
from neuralc.frontends.onnx.load import load_bytes
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.grammar.signatures import SIGNATURES, Signature

TRAINED = """
network Trained {
  input: { x: (S, 4) } where S <= 64
  layers: LSTM(3, stateful=true, return_sequences=true) BatchNormalization() y = Dense(2, kernel_regularizer="l2")
  outputs: y
  loss: "mse"
  optimizer: Adam(learning_rate=0.01)
  metrics: ["mae"]
}
"""

COMPUTED = {"QuantumLayer"}
"""Layers that compute with their weights alone, which the import does: what is left has other names."""


def _inputs(module: ModuleOp, rng: np.random.Generator) -> dict[str, np.ndarray]:
    model, found = graph.the_model(module), {}
    for name, argument in zip(model.inputs, model.arguments, strict=True):
        symbols = {symbol: 4 for size in shape_of(argument.type) for symbol in as_dim(size).symbols}
        shape = [as_dim(size).evaluate({**symbols, "batch": 2}) for size in shape_of(argument.type)]
        dtype = numpy_dtype(element_of(argument.type))
        whole = dtype.kind in "biu"
        found[name] = (rng.integers(0, 3, shape) if whole else rng.standard_normal(shape)).astype(dtype)
    return found


def _program(text: str) -> LoadedProgram:
    return load(Source("m.nr", text))


@pytest.mark.thorough
@pytest.mark.parametrize("signature", list(SIGNATURES), ids=lambda signature: signature.name)
def test_every_layer(signature: Signature) -> None:
    """In onnxruntime, and when it comes in again: the same numbers, the same names of weights."""
    program = _program(f"network M {{ {signature.example} }}")
    weights, inputs = random_store(program), _inputs(program.module, np.random.default_rng(0))
    model = emitted(program.module, weights)
    expected = run_module(program.module, inputs, weights)
    given = with_states(program.module, inputs, weights)
    for actual, reference in zip(by_onnxruntime(model, given), expected, strict=False):
        assert_close(actual, reference, 1e-5)
    loaded = load_bytes(model)
    for actual, reference in zip(run_module(loaded.module, inputs, loaded.store), expected, strict=True):
        assert_close(actual, reference, 1e-6)
    if signature.name not in COMPUTED:
        assert set(weights) <= set(loaded.store)


def test_what_training_needs_comes_back() -> None:
    program = _program(TRAINED)
    loaded = load_bytes(emitted(program.module, random_store(program)))
    before, after = graph.the_model(program.module), graph.the_model(loaded.module)
    assert after.sym_name.data == "Trained"
    assert {name: str(value) for name, value in after.attributes.items()} == {
        name: str(value) for name, value in before.attributes.items()
    }
    assert _weights(loaded.module) == _weights(program.module)
    assert [str(op.sym_name.data) for op in graph.declared_states(loaded.module).values()] == ["lstm.h", "lstm.c"]
    assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
    size = graph.symbols(loaded.module)["S"]
    assert isinstance(size, graph.DimOp)
    assert size.maximum is not None
    assert size.maximum.data.value == 64


def _weights(module: ModuleOp) -> dict[str, str]:
    """What training knows of each weight, which has the layout of ONNX when it comes back."""
    found = [op for op in module.body.block.ops if isinstance(op, graph.WeightOp)]
    return {op.sym_name.data: f"{op.init} {op.regularizer} {op.attributes}" for op in found}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("neuralc.clause.loss", "17 : i64", "it is a list of #graph.loss"),
        ("neuralc.clause.loss", "#graph.loss<", "expected"),
        ("neuralc.dim.S", "many", "bounds are one or two numbers"),
        ("neuralc.dim.S", "9 3", "9 is more than 3"),
        ("neuralc.state.lstm.h", '"zero"', "it is no number"),
        ("neuralc.weight.y.kernel", "{trainable = 1.0 : f64}", "`trainable` is not what that says of a weight"),
    ],
)
def test_metadata_that_is_not_what_its_key_says(key: str, value: str, reason: str) -> None:
    program = _program(TRAINED)
    proto = onnx.load_from_string(emitted(program.module, random_store(program)))
    kept = [entry for entry in proto.metadata_props if entry.key != key]
    del proto.metadata_props[:]
    proto.metadata_props.extend([*kept, onnx.StringStringEntryProto(key=key, value=value)])
    with pytest.raises(NeuralcError) as caught:
        load_bytes(proto.SerializeToString())
    (found,) = caught.value.diagnostics
    assert found.code == "E0612"
    assert key in found.message
    assert any(reason in text for text in found.notes)
