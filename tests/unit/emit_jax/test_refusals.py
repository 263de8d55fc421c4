"""What JAX code cannot say is refused with all reasons at once."""

from __future__ import annotations

from typing import Any

import pytest
from support.graph_modules import GraphModule, tensor
from xdsl.dialects.builtin import ModuleOp, i64

from neuralc.dialects import graph
from neuralc.emit.jax import LOWERINGS, WITHOUT_CODE, emit
from neuralc.grammar.diagnostics import NeuralcError

FRAME = ("graph.model", "graph.func", "graph.return", "graph.yield", "graph.weight", "graph.state", "graph.dim",
         "graph.get_weight", "graph.call")  # fmt: skip
"""What is part of a function, not of what it computes."""


def reasons(module: ModuleOp) -> list[str]:
    with pytest.raises(NeuralcError) as caught:
        emit(module)
    assert {each.code for each in caught.value.diagnostics} == {"E0850"}
    return [each.message for each in caught.value.diagnostics]


def test_every_op_is_written_or_has_a_reason() -> None:
    written = {op.name for op in LOWERINGS} | set(WITHOUT_CODE)
    missing = [op.name for op in graph.Graph.operations if op.name not in written and op.name not in FRAME]
    assert missing == []


def test_all_reasons_are_told() -> None:
    def body(x: Any, places: Any) -> Any:
        first, second = (graph.GatherElementsOp.of(x, places, axis=1).result for _ in range(2))
        return graph.AddOp.of(first, second).result

    module = GraphModule().model({"x": tensor(5, 3), "places": tensor("S", 3, element=i64)}, body)
    found = reasons(module)
    assert len(found) == 2
    assert all("a symbolic size that x does not have" in reason for reason in found)
