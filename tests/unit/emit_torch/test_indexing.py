"""torch code of ops that join, repeat, read by number and count computes what the ops are defined to."""

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import GraphModule, tensor
from support.indexing_cases import CASES, Case, S
from support.torch_code import run_torch_code
from xdsl.dialects.builtin import f64, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.interp import run_module
from neuralc.dialects.types import DimAttr, tensor_type
from neuralc.dialects.weights import WeightStore
from neuralc.emit.refusals import CODE
from neuralc.emit.torch import emit
from neuralc.grammar.diagnostics import NeuralcError

WORDS = ("concat", "expand", "gather", "iota", "size")
FOUND = [
    case for case in CASES if case.name.startswith(WORDS) and not case.name.startswith(("gather elem", "gather nd"))
]


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_torch_code_agrees(case: Case) -> None:
    module, inputs = case.build()
    expected = run_module(module, inputs, WeightStore())
    for actual, reference in zip(run_torch_code(module, inputs, WeightStore()), expected, strict=True):
        assert_close(actual, reference, 1e-9)


@pytest.mark.parametrize(
    "text", ["S", "2 * S + 1", "S * T - 2", "ceildiv(S, 4)", "mod(S, 3) + floordiv(T, 2)", "max(S, T)"]
)
def test_sizes_are_computed_from_the_arguments(text: str) -> None:
    def body(x: SSAValue, y: SSAValue) -> SSAValue:
        size = graph.SizeOp.of(dim=DimAttr(Dim.parse(text))).result
        return graph.CastOp.of(size, result=tensor_type((), f64)).result

    module = GraphModule().model({"x": tensor(S, 2), "y": tensor(3, Dim.symbol("T"))}, body)
    inputs = {"x": np.zeros((5, 2), "float32"), "y": np.zeros((3, 7), "float32")}
    (expected,) = run_module(module, inputs, WeightStore())
    (found,) = run_torch_code(module, inputs, WeightStore())
    assert found == expected


def test_a_size_that_no_argument_has_alone_is_refused() -> None:
    module = GraphModule().model(
        {"x": tensor(S * 2, 2)}, lambda x: graph.IotaOp.of(result=tensor_type((S,), i64)).result
    )
    with pytest.raises(NeuralcError) as caught:
        emit(module)
    assert [(found.code, "no argument has the size S" in found.message) for found in caught.value.diagnostics] == [
        (CODE, True)
    ]
