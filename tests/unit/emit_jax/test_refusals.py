"""What JAX code cannot say is refused with all reasons at once."""

from __future__ import annotations

import pytest
from support.graph_modules import GraphModule, tensor
from xdsl.dialects.builtin import ModuleOp, i64

from neuralc.dialects import graph
from neuralc.emit.jax import LOWERINGS, WITHOUT_CODE, emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import NeuralcError, Source

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


def test_a_region_of_interest_needs_a_known_number_of_samples() -> None:
    def body(*values: object) -> object:
        return graph.RoiAlignOp.of(*values, sizes=(2, 2)).result

    module = GraphModule().model(
        {"x": tensor(1, 2, 8, 8), "rois": tensor(3, 4), "indices": tensor(3, element=i64)}, body
    )
    assert "sampling_ratio 0" in reasons(module)[0]


def test_all_reasons_are_told() -> None:
    layers = "LSTM(4, recurrent_dropout=0.1, return_sequences=true) GRU(4, recurrent_dropout=0.2)"
    text = f"network M {{ input: (5, 3) layers: {layers} }}"
    found = reasons(load(Source("m.nr", text)).module)
    assert len(found) == 2
    assert all("dropout inside of a recurrent layer" in reason for reason in found)
