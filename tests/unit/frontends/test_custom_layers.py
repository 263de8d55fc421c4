"""Layers of which only the name is known: shown and counted, and refused by whoever would have to compute them."""

import numpy as np
import pytest

from neuralc.dialects.graph import CustomOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import format_shape, shape_of
from neuralc.dialects.weights import WeightStore
from neuralc.emit.torch import emit
from neuralc.frontends.nr import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.inspection.graph_level import summarize
from neuralc.passes.base import PassContext
from neuralc.passes.lower.graph_to_tensor import GraphToTensorPass

TWO = """CustomShape(MyLayer(4, mode=em, sizes=(2, (3.5, none)), on=true), (2, 5)) Flatten()
         OtherLayer() MyLayer() Dense(3)"""


def loaded(layers: str) -> LoadedProgram:
    return load(Source("m.nr", f"network M {{ input: (8) layers: {layers} }}"))


def test_the_op_keeps_name_and_arguments() -> None:
    first, *rest = [op for op in the_model(loaded(TWO).module).block.ops if isinstance(op, CustomOp)]
    assert first.layer.data == "MyLayer"
    assert first.values == {"argument_0": 4, "mode": "em", "sizes": (2, (3.5, None)), "on": True}
    assert format_shape(shape_of(first.res[0].type)) == "(batch, 2, 5)"
    assert [(op.layer.data, dict(op.values)) for op in rest] == [("OtherLayer", {}), ("MyLayer", {})]


def test_an_argument_is_a_plain_value() -> None:
    with pytest.raises(NeuralcError) as caught:
        loaded("MyLayer(inner=Dense(3)) Dense(2)")
    (found,) = caught.value.diagnostics
    assert found.code == "E0305"
    assert "not `Dense(...)`" in found.message


def test_inspection_counts_them() -> None:
    found = summarize("m", loaded(TWO).module, {"batch": 1})
    assert [(each.operator, each.count) for each in found.unsupported] == [("MyLayer", 2), ("OtherLayer", 1)]
    ops = [layer.op for layer in found.layers if layer.refused]
    assert ops == ["MyLayer", "OtherLayer", "MyLayer"]
    assert found.parameters == 10 * 3 + 3


@pytest.mark.parametrize("consumer", ["interpreter", "loops", "torch"])
def test_whoever_computes_refuses_all_of_them_at_once(consumer: str) -> None:
    program = loaded(TWO)
    compute = {
        "interpreter": lambda: run_module(program.module, [np.zeros((1, 8), "float32")], WeightStore()),
        "loops": lambda: GraphToTensorPass().run(program.module, PassContext()),
        "torch": lambda: emit(program.module),
    }
    with pytest.raises(NeuralcError) as caught:
        compute[consumer]()
    (found,) = caught.value.diagnostics
    assert found.code == "E0704"
    assert found.message == "no plugin brings the layers `MyLayer`, `OtherLayer`"
