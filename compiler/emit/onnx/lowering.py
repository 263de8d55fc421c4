"""From the ops of a graph to nodes: finds the lowering of each op; what has none is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import CallOp, GetWeightOp
from neuralc.emit.onnx import (
    lower_axes,
    lower_contraction,
    lower_control,
    lower_elementwise,
    lower_indexing,
    lower_layers,
    lower_logic,
    lower_quantization,
    lower_recurrent,
    lower_resize,
    lower_sampling,
    lower_states,
    lower_views,
)
from neuralc.emit.onnx.sizes import UnknownSize
from neuralc.emit.onnx.values import Values
from neuralc.passes.locations import file_positions

Lowering = Callable[[Values, Any], None]


def lower(values: Values, op: Operation) -> None:
    """Write the nodes of one op, or note why that cannot be done."""
    values.at(op)
    values.writer.doc = place(op)
    try:
        if isinstance(op, GetWeightOp):
            values.read_weight(op)
        elif isinstance(op, CallOp):
            values.call(values, op)
        elif type(op) in LOWERINGS:
            LOWERINGS[type(op)](values, op)
        else:
            values.refuse(op, WITHOUT_CODE.get(op.name.partition(".")[2], "neuralc does not know how to write this op"))
    except UnknownSize as size:
        values.refuse(op, f"no input of the function has the size {size}")
    except LookupError as problem:
        values.refuse(op, str(problem))


def place(op: Operation) -> str:
    """The line of the program that an op comes from: `model.nr:12`."""
    first = next(file_positions(op.location), None)
    return "" if first is None else f"{PurePath(first.filename.data).name}:{first.line.data}"


LOWERINGS: Mapping[type[Operation], Lowering] = {
    **lower_axes.LOWERINGS,
    **lower_contraction.LOWERINGS,
    **lower_control.lowerings(lower),
    **lower_elementwise.LOWERINGS,
    **lower_indexing.LOWERINGS,
    **lower_layers.LOWERINGS,
    **lower_logic.LOWERINGS,
    **lower_quantization.LOWERINGS,
    **lower_recurrent.LOWERINGS,
    **lower_resize.LOWERINGS,
    **lower_sampling.LOWERINGS,
    **lower_states.LOWERINGS,
    **lower_views.LOWERINGS,
}
"""How each op that is neither a call nor part of a function's frame becomes nodes of ONNX."""

WITHOUT_CODE: Mapping[str, str] = {"custom": "ONNX does not know what an op of a plugin is"}
"""Ops that E0850 names, with the reason."""
