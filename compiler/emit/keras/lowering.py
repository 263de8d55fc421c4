"""How each op of the graph level becomes Keras code, and which ones nobody has written in its words."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import IntegerType, Signedness
from xdsl.ir import Operation

from neuralc.dialects.graph import ConcatOp, ExpandOp, IdentityOp, ReshapeOp, SliceOp, TransposeOp
from neuralc.dialects.types import element_of
from neuralc.emit.keras import (
    lower_axes,
    lower_control,
    lower_functions,
    lower_indexing,
    lower_layers,
    lower_pools,
    lower_quantized,
    lower_recurrent,
    lower_resize,
    lower_sampling,
    lower_views,
    states,
)
from neuralc.emit.python.form import Lowering
from neuralc.emit.python.values import Values

ui64 = IntegerType(64, Signedness.UNSIGNED)

MOVES = (ConcatOp, ExpandOp, IdentityOp, ReshapeOp, SliceOp, TransposeOp)


def _guarded(lower: Lowering) -> Lowering:
    """A lowering that refuses what Keras would compute in fewer bits."""

    def guarded(values: Values, op: Operation) -> None:
        types = [value.type for value in (*op.operands, *op.results)]
        if ui64 in map(element_of, types) and not isinstance(op, MOVES):
            values.refuse(op, "Keras computes unsigned integers of 64 bits in 32")
        else:
            lower(values, op)

    return guarded


_WRITTEN: Mapping[type[Operation], Lowering] = {
    **lower_functions.LOWERINGS,
    **lower_layers.LOWERINGS,
    **lower_pools.LOWERINGS,
    **lower_axes.LOWERINGS,
    **lower_views.LOWERINGS,
    **lower_indexing.LOWERINGS,
    **lower_quantized.LOWERINGS,
    **lower_recurrent.LOWERINGS,
    **lower_resize.LOWERINGS,
    **lower_sampling.LOWERINGS,
    **lower_control.LOWERINGS,
    **states.LOWERINGS,
}

LOWERINGS: Mapping[type[Operation], Lowering] = {op: _guarded(lower) for op, lower in _WRITTEN.items()}

WITHOUT_CODE: Mapping[str, str] = {"graph.custom": "nobody defines it"}
"""Ops of the graph level that E0850 names, and why."""
