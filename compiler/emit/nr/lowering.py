"""From the ops of a function to layers and formulas: finds the lowering of each op and runs them in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import CallOp, FunctionLike, GetWeightOp, ReturnOp
from neuralc.emit.nr import axes, elementwise, graph_ops, layers, pooling, recurrent, views
from neuralc.emit.nr.body import Body, Inexpressible, Lowering
from neuralc.emit.nr.raised import lowering as raised
from neuralc.emit.nr.values import Value
from neuralc.emit.refusals import Refusals

LOWERINGS: Mapping[type[Operation], Lowering] = {
    **elementwise.LOWERINGS,
    **views.LOWERINGS,
    **layers.LOWERINGS,
    **pooling.LOWERINGS,
    **axes.LOWERINGS,
    **graph_ops.LOWERINGS,
    **recurrent.LOWERINGS,
    **raised.LOWERINGS,
}
"""How each op that is neither a call nor part of a function's frame is said in the language."""

_BRANCHES = "the branches of a choice are layers in the language, and nothing says which ones these ops were"
_ROUNDS = "the rounds of a loop are layers in the language, and nothing says which ones these ops were"
_KEPT = "what a run keeps for the next one belongs to layers, and nothing says to which one this does"

WITHOUT_CODE: Mapping[str, str] = {
    "custom": "a layer that nobody defines has no meaning to write down",
    "get_state": _KEPT,
    "if": _BRANCHES,
    "loop": _ROUNDS,
    "scan": _ROUNDS,
    "set_state": _KEPT,
}
"""Ops of the graph level that the language has no words for, and why."""


CallLowering: TypeAlias = Callable[[Body, CallOp], Sequence[Value]]
"""Applies a function. Raises Inexpressible."""


def lower(
    function: FunctionLike,
    weights: Mapping[SSAValue, str],
    loose: frozenset[str],
    call: CallLowering,
    refusals: Refusals,
) -> Body:
    """The layers and formulas of a function; `weights` are its values that are weights, by their names here."""
    body = Body(loose)
    for argument in function.arguments:
        if argument in weights:
            body.weight(argument, weights[argument])
        else:
            body.input(argument)
    for op in function.block.ops:
        match op:
            case GetWeightOp():
                body.weight(op.result, op.weight_name)
            case ReturnOp():
                body.results = [body.tensor(body[value]) for value in op.operands]
            case CallOp():
                _lower_op(body, op, call, refusals)
            case _:
                _lower_op(body, op, LOWERINGS.get(type(op)), refusals)
    return body


def _lower_op(body: Body, op: Operation, found: Lowering | None, refusals: Refusals) -> None:
    body.hint = op.results[0].name_hint or "" if op.results else ""
    try:
        if found is None:
            raise Inexpressible(WITHOUT_CODE.get(op.name.removeprefix("graph."), "the language has no words for it"))
        body.bind(op, found(body, op))
    except Inexpressible as problem:
        refusals.add(op, str(problem))
        body.stand_in(op)
