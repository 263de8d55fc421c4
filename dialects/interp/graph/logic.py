"""Truth values and bits, choices, and changes of the element type, in numpy."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.graph.forms import from_operands, with_properties
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.scalar import convert
from neuralc.dialects.types import element_of, is_float, numpy_dtype


def _is_inf(x: Array, positive: bool, negative: bool) -> Array:
    return np.asarray((positive & (x == np.inf)) | (negative & (x == -np.inf)))


def _cast(evaluator: Evaluator, op: graph.CastOp, x: Array) -> Array:
    element = element_of(op.result.type)
    return convert(x, np.dtype(np.float64) if is_float(element) else numpy_dtype(element))


def _bitcast(evaluator: Evaluator, op: graph.BitcastOp, x: Array) -> Array:
    # The evaluator holds floats as float64, and bits are those of the type.
    own = np.array(x, numpy_dtype(element_of(op.x.type)))
    if is_float(element_of(op.x.type)):
        own[np.isnan(x)] = np.nan
    return own.view(numpy_dtype(element_of(op.result.type)))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.BitcastOp: _bitcast,
    graph.BitwiseAndOp: from_operands(np.bitwise_and),
    graph.BitwiseNotOp: from_operands(np.bitwise_not),
    graph.BitwiseOrOp: from_operands(np.bitwise_or),
    graph.BitwiseXorOp: from_operands(np.bitwise_xor),
    graph.CastOp: _cast,
    graph.EqualOp: from_operands(np.equal),
    graph.GreaterEqualOp: from_operands(np.greater_equal),
    graph.GreaterOp: from_operands(np.greater),
    graph.IsInfOp: with_properties(_is_inf, "positive", "negative"),
    graph.IsNanOp: from_operands(np.isnan),
    graph.LessEqualOp: from_operands(np.less_equal),
    graph.LessOp: from_operands(np.less),
    graph.LogicalAndOp: from_operands(np.logical_and),
    graph.LogicalNotOp: from_operands(np.logical_not),
    graph.LogicalOrOp: from_operands(np.logical_or),
    graph.LogicalXorOp: from_operands(np.logical_xor),
    graph.NotEqualOp: from_operands(np.not_equal),
    graph.ShiftLeftOp: from_operands(np.left_shift),
    graph.ShiftRightOp: from_operands(np.right_shift),
    graph.WhereOp: from_operands(np.where),
}
