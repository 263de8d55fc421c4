"""Views, indexing and resampling in loops compute what the ops are defined to compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.compare import assert_pass_preserves
from support.graph_modules import single_op
from support.indexing_cases import CASES, MOVES, Case
from support.tables import few_of

from neuralc.dialects import graph, tensor
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.base import PassContext
from neuralc.passes.lower.graph_to_tensor import GraphToTensorPass


@pytest.mark.parametrize("case", few_of(CASES, 6), ids=lambda case: case.name)
def test_loops_compute_what_the_op_does(case: Case) -> None:
    for seed in range(3):
        module, inputs = case.build(seed=seed)
        assert_pass_preserves(GraphToTensorPass(), module, WeightStore(), inputs)


DTYPES = ["float16", "float64", "bool", "int8", "int32", "int64", "uint8", "uint16", "uint64"]


TYPED = [
    pytest.param(case, dtype, id=f"{case.name} {dtype}")
    for case in MOVES
    for dtype in DTYPES
    if dtype != "bool" or not case.computes  # there is no such arithmetic of i1
]


@pytest.mark.parametrize(("case", "dtype"), TYPED)
def test_every_element_type_moves(case: Case, dtype: str) -> None:
    module, inputs = case.build(dtype)
    assert_pass_preserves(GraphToTensorPass(), module, WeightStore(), inputs)


OUTSIDE: list[tuple[type[Any], tuple[Any, ...]]] = [
    (graph.GatherOp, (np.zeros((3, 2)), np.array([3]))),
    (graph.GatherOp, (np.zeros((3, 2)), np.array([-4]))),
    (graph.GatherElementsOp, (np.zeros((3, 2)), np.array([[0, 5]]))),
    (graph.GatherNdOp, (np.zeros((3, 2)), np.array([[0, 2]]))),
    (graph.ScatterElementsOp, (np.zeros((3, 2)), np.array([[3]]), np.zeros((1, 1)))),
    (graph.ScatterNdOp, (np.zeros((3, 2)), np.array([[-4]]), np.zeros((1, 2)))),
    (graph.ReverseSequenceOp, (np.zeros((3, 2)), np.array([3, 4]))),
    (graph.ReverseSequenceOp, (np.zeros((3, 2)), np.array([-1, 0]))),
]


@pytest.mark.parametrize(("op", "operands"), OUTSIDE, ids=lambda case: getattr(case, "name", ""))
def test_an_index_outside_stays_an_error(op: type[Any], operands: tuple[Any, ...]) -> None:
    module = single_op(op, *operands)
    GraphToTensorPass().run_in(module, PassContext())
    with pytest.raises(NeuralcError, match="E0910"):
        run_module(module, operands, WeightStore())


def test_a_resize_of_known_sizes_computes_its_tables_at_compile_time() -> None:
    (case,) = [case for case in CASES if case.name == "resize channels last"]
    module, _ = case.build()
    GraphToTensorPass().run_in(module, PassContext())
    (only,) = [op for op in graph.the_model(module).block.ops if isinstance(op, tensor.MapOp)]
    assert [op.name for op in only.block.ops].count("tensor.at") == 4
