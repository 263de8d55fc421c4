"""How each op of the graph level becomes torch code, and which ones nobody has written in torch's words yet."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    BitcastOp,
    BitwiseAndOp,
    BitwiseOrOp,
    BitwiseXorOp,
    CastOp,
    ConcatOp,
    ConstantOp,
    ExpandOp,
    GetStateOp,
    IdentityOp,
    ReshapeOp,
    SetStateOp,
    SliceOp,
    TransposeOp,
)
from neuralc.dialects.types import element_of
from neuralc.emit.python.form import Lowering
from neuralc.emit.python.values import Values
from neuralc.emit.torch import (
    lower_axes,
    lower_control,
    lower_functions,
    lower_indexing,
    lower_layers,
    lower_moves,
    lower_pools,
    lower_recurrent,
    lower_resize,
    lower_sampling,
    lower_scatter,
    lower_states,
    lower_training,
)

_MOVING = (
    BitcastOp, BitwiseAndOp, BitwiseOrOp, BitwiseXorOp, CastOp, ConcatOp, ConstantOp, ExpandOp,
    GetStateOp, IdentityOp, ReshapeOp, SetStateOp, SliceOp, TransposeOp,
)  # fmt: skip
"""Ops that look at no number, only at bits."""

_BARE = ("ui16", "ui32", "ui64")
"""Types that torch stores, and computes little with."""


def _checked(lowering: Lowering) -> Lowering:
    """A lowering that refuses the types which torch has no functions of."""

    def lower(values: Values, op: Operation) -> None:
        types = [str(element_of(value.type)) for value in (*op.operands, *op.results)]
        found = next((each for each in types if each in _BARE), None)
        if found is None:
            lowering(values, op)
        else:
            values.refuse(op, f"torch has few functions of {found}, and none of these on every device")

    return lower


_WRITTEN: Mapping[type[Operation], Lowering] = {
    **lower_layers.LOWERINGS,
    **lower_moves.LOWERINGS,
    **lower_indexing.LOWERINGS,
    **lower_functions.LOWERINGS,
    **lower_axes.LOWERINGS,
    **lower_control.LOWERINGS,
    **lower_pools.LOWERINGS,
    **lower_resize.LOWERINGS,
    **lower_sampling.LOWERINGS,
    **lower_scatter.LOWERINGS,
    **lower_states.LOWERINGS,
    **lower_training.LOWERINGS,
    **lower_recurrent.LOWERINGS,
}

LOWERINGS: Mapping[type[Operation], Lowering] = {
    op: lowering if op in _MOVING else _checked(lowering) for op, lowering in _WRITTEN.items()
}

WITHOUT_CODE: Mapping[str, str] = {"graph.custom": "what it computes is not known"}
"""Ops of the graph level that E0850 names, and why."""
