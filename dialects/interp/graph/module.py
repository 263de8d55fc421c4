"""Weights and calls."""

from __future__ import annotations

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array


def _get_weight(evaluator: Evaluator, op: graph.GetWeightOp) -> Array:
    return evaluator.weight(op.weight_name)


def _call(evaluator: Evaluator, op: graph.CallOp, *arguments: Array) -> list[Array]:
    return evaluator.call(op.callee.root_reference.data, arguments)


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.CallOp: _call,
    graph.GetWeightOp: _get_weight,
}
