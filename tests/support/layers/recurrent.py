"""Recurrent layers of one direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.layers.program import Layer, Program, floats, reshaped
from xdsl.dialects.builtin import i1, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, product
from neuralc.dialects.types import shape_of, tensor_type

GATES: dict[type[Any], int] = {graph.LstmOp: 4, graph.GruOp: 3, graph.RnnOp: 1}


def recurrent(op: type[Any]) -> Layer:
    @floats
    def made(program: Program, x: SSAValue) -> SSAValue | None:
        return _recurrent(program, op, x)

    return made


def _recurrent(program: Program, op: type[Any], x: SSAValue) -> SSAValue | None:
    """[time, batch, in], or a layer's usual [batch, time, in]; an image is a sequence of lines."""
    shape = shape_of(x.type)
    if len(shape) == 4:
        x = reshaped(x, shape[0], shape[1], product(shape[2:]))
        shape = shape_of(x.type)
    if len(shape) != 3 or not isinstance(depth := shape[2], int) or 0 in shape:
        return None
    if program.flag():
        x = graph.TransposeOp.of(x, perm=(1, 0, 2)).result
    units = program.integer(1, 5)
    width, batch = GATES[op] * units, shape_of(x.type)[1]
    kernel = program.weight("recurrent.kernel", depth, width, scale=depth**-0.5)
    inner = program.weight("recurrent.recurrent", units, width, scale=units**-0.5)
    state = program.constant((batch, units), 0.25)
    operands = [x, kernel, inner, program.weight("recurrent.bias", width), state]
    if op is graph.LstmOp:
        operands.append(program.constant((batch, units), -0.5))
    if program.flag():
        operands.append(_mask(program, shape_of(x.type)[0], batch))
    properties: dict[str, Any] = {"reverse": program.flag()}
    if op is graph.GruOp:
        properties["reset_after"] = program.flag()
    results = op.of(*operands, **properties).results
    return program.choice(list(results))


def _mask(program: Program, time: int | Dim, batch: int | Dim) -> SSAValue:
    """Every time but each third one, or only each third one."""
    numbers = graph.IotaOp.of(result=tensor_type((time,), i64)).result
    third = graph.RemainderOp.of(numbers, program.constant((), 3, i64)).result
    comparison = program.choice([graph.LessOp, graph.EqualOp])
    counts = comparison.of(third, program.constant((), program.integer(0, 2), i64)).result
    column = graph.ReshapeOp.of(counts, result=tensor_type((time, 1), i1)).result
    return graph.ExpandOp.of(column, result=tensor_type((time, batch), i1)).result


LAYERS: Sequence[Layer] = tuple(map(recurrent, GATES))
