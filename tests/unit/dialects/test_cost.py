"""Costs of graph ops: every op has a rule, and the rules count what a person would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.graph_modules import GraphModule, single_op, tensor
from support.random_graph import random_graph_module

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.cost import RULES, Cost, cost


def test_every_graph_op_has_a_rule() -> None:
    assert set(RULES) == set(graph.Graph.operations)


def of(op: type[Any], *shapes: tuple[int, ...], **properties: Any) -> tuple[int, int]:
    module = single_op(op, *(np.zeros(shape, np.float32) for shape in shapes), **properties)
    found = cost(graph.the_model(module))
    return found.flops.value, found.bytes.value


@pytest.mark.parametrize(
    ("op", "shapes", "properties", "flops", "numbers"),
    [
        (graph.MatmulOp, [(2, 3, 4), (4, 5)], {}, 2 * 2 * 3 * 4 * 5, 24 + 20 + 30),
        (graph.DenseOp, [(3, 4), (4, 5), (5,)], {}, 2 * 3 * 4 * 5, 12 + 20 + 5 + 15),
        (graph.EinsumOp, [(3, 4), (4, 5)], {"spec": "ij,jk->ik"}, 2 * 3 * 4 * 5, 12 + 20 + 15),
        (graph.ConvOp, [(1, 8, 8, 6), (3, 3, 2, 9)], {"groups": 3}, 2 * 36 * 9 * 18, 384 + 162 + 324),
        (graph.MaxPoolOp, [(1, 4, 4, 2)], {"window": (2, 2), "strides": (2, 2)}, 4 * 8, 32 + 8),
        (graph.AddOp, [(3, 4), (4,)], {}, 12, 12 + 4 + 12),
        (graph.ReduceOp, [(3, 4)], {"kind": "sum", "axes": (1,)}, 12, 12 + 3),
        (graph.DropoutOp, [(3, 4)], {"rate": 0.5}, 0, 0),
        (graph.TransposeOp, [(3, 4)], {"perm": (1, 0)}, 0, 24),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_numbers(
    op: type[Any], shapes: list[tuple[int, ...]], properties: dict[str, Any], flops: int, numbers: int
) -> None:
    assert of(op, *shapes, **properties) == (flops, 4 * numbers)


def test_costs_follow_symbolic_sizes() -> None:
    module = GraphModule().model({"x": tensor("batch", 16)}, lambda x: graph.ReluOp.of(x).result)
    batch = Dim.symbol("batch")
    assert cost(graph.the_model(module)) == Cost(batch * 16, batch * 128)


def test_costs_of_random_programs_are_not_negative() -> None:
    for seed in range(20):
        module, _, _ = random_graph_module(np.random.default_rng(seed))
        found = cost(graph.the_model(module))
        sizes = {"batch": 3, "S": 5}
        assert found.flops.evaluate(sizes) >= 0
        assert found.bytes.evaluate(sizes) >= 0
