"""Weights, states and calls."""

from __future__ import annotations

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array, finish
from neuralc.dialects.types import element_of


def _get_weight(evaluator: Evaluator, op: graph.GetWeightOp) -> Array:
    return evaluator.weight(op.weight_name)


def _get_state(evaluator: Evaluator, op: graph.GetStateOp) -> Array:
    return evaluator.states.value(op.state_name)


def _set_state(evaluator: Evaluator, op: graph.SetStateOp, value: Array) -> list[Array]:
    evaluator.states.leave(op.state_name, finish(value, element_of(op.value.type), evaluator.numerics))
    return []


def _call(evaluator: Evaluator, op: graph.CallOp, *arguments: Array) -> list[Array]:
    return evaluator.call(op.callee.root_reference.data, arguments)


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.CallOp: _call,
    graph.GetStateOp: _get_state,
    graph.GetWeightOp: _get_weight,
    graph.SetStateOp: _set_state,
}
