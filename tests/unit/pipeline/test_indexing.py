"""Native code of views, indexing and resampling computes what the ops are defined to compute, at every level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import GraphModule, single_op, tensor
from support.indexing_cases import CASES, MOVES, Case, resized
from support.pipelines import assert_native_agrees, compile_native, passes_of
from support.tables import few_of

from neuralc.dialects import graph, kernel
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import PassContext
from neuralc.passes.target import Target
from neuralc.runtime import ModelError

HALF = 2e-3
"""Results of 16 bits carry 11 of them, operands too."""


@pytest.mark.parametrize("case", few_of(CASES, 8), ids=lambda case: case.name)
def test_native_code_is_the_reference(case: Case) -> None:
    module, inputs = case.build()
    assert_native_agrees(module, WeightStore(), [inputs], 1)


@pytest.mark.slow
@pytest.mark.parametrize("opt", [0, 2])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_native_code_is_the_reference_at_other_levels(case: Case, opt: int) -> None:
    module, inputs = case.build()
    assert_native_agrees(module, WeightStore(), [inputs], opt)


DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float64"]


TYPED = [
    pytest.param(case, dtype, id=f"{case.name} {dtype}")
    for case in MOVES
    for dtype in DTYPES
    if dtype != "bool" or not case.computes  # there is no such arithmetic of i1
]


@pytest.mark.slow
@pytest.mark.parametrize(("case", "dtype"), TYPED)
def test_every_element_type_moves(case: Case, dtype: str) -> None:
    module, inputs = case.build(dtype)
    assert_native_agrees(module, WeightStore(), [inputs], 1, tolerance=HALF if dtype == "float16" else 1e-5)


@pytest.mark.parametrize("dtype", few_of(DTYPES, 5))
def test_every_element_type_is_gathered(dtype: str) -> None:
    (case,) = [case for case in CASES if case.name == "gather columns by a matrix"]
    module, inputs = case.build(dtype)
    assert_native_agrees(module, WeightStore(), [inputs], 1)


OUTSIDE: list[tuple[type[Any], tuple[Any, ...]]] = [
    (graph.GatherOp, (np.zeros((3, 2), np.float32), np.array([0, 3]))),
    (graph.GatherOp, (np.zeros((3, 2), np.float32), np.array([-4, 0]))),
    (graph.GatherElementsOp, (np.zeros((3, 2), np.float32), np.array([[0, 5]]))),
    (graph.GatherNdOp, (np.zeros((3, 2), np.float32), np.array([[0, 2]]))),
    (graph.ScatterElementsOp, (np.zeros((3, 2), np.float32), np.array([[3]]), np.zeros((1, 1), np.float32))),
    (graph.ScatterNdOp, (np.zeros((3, 2), np.float32), np.array([[-4]]), np.zeros((1, 2), np.float32))),
    (graph.ReverseSequenceOp, (np.zeros((3, 2), np.float32), np.array([3, 4]))),
    (graph.ReverseSequenceOp, (np.zeros((3, 2), np.float32), np.array([-1, 0]))),
]


@pytest.mark.parametrize(("op", "operands"), OUTSIDE, ids=lambda case: getattr(case, "name", ""))
def test_an_index_outside_is_an_error_of_the_run(op: type[Any], operands: tuple[Any, ...]) -> None:
    model = compile_native(single_op(op, *operands), WeightStore(), 1, Target.host())
    with pytest.raises(ModelError, match="E0910"):
        model(*operands)


def test_a_symbolic_slice_is_refused_at_sizes_it_reads_outside() -> None:
    (case,) = [case for case in CASES if case.name == "slice of symbolic start"]
    module, _ = case.build()
    model = compile_native(module, WeightStore(), 1, Target.host())
    x = np.arange(18, dtype=np.float32).reshape(2, 9)
    assert_close(model(x), x, 0.0)
    with pytest.raises(ModelError, match="at least 2"):
        model(x[:1])


@pytest.mark.parametrize("shape", [(1, 8, 8, 32), (1, 32, 8, 8)], ids=["channels last", "channels first"])
def test_linear_upsampling_works_on_whole_vectors(shape: tuple[int, ...]) -> None:
    """Of channels where they are last, of columns where they are not."""
    out = tuple(size * 2 if size == 8 else size for size in shape)
    module = GraphModule().model({"x": tensor(*shape)}, lambda x: resized(x, *out, mode="linear"))
    context = PassContext(target=Target.cpu("haswell"), weights=WeightStore())
    for each in passes_of(2):
        each.run_in(module, context)
    stores = [op for op in module.walk() if isinstance(op, kernel.StoreOp)]
    assert {op.value.type.lanes for op in stores} == {8}
