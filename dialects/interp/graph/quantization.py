"""Between floats and small integers, in numpy."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array, finish
from neuralc.dialects.scalar import convert
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, numpy_dtype


def _along(op: PlainOp, values: Array, x: Array) -> Array:
    """A scale or zero point as it broadcasts over x."""
    if op.literal("block_size"):
        axis = normalize_axis(op.literal("axis"), x.ndim)
        return np.repeat(values, op.literal("block_size"), axis)[(slice(None),) * axis + (slice(x.shape[axis]),)]
    if values.size == 1 and values.ndim < 2:
        return values.reshape(())
    return values.reshape([-1 if i == op.literal("axis") % x.ndim else 1 for i in range(x.ndim)])


def _quantize(evaluator: Evaluator, op: PlainOp, x: Array, scale: Array, zero_point: Array) -> Array:
    # The quotient is rounded to its type before it is rounded to an integer, as all who compute in that type do.
    quotient = finish(x / _along(op, scale, x), element_of(op.operands[0].type), evaluator.numerics)
    moved = np.rint(quotient.astype(np.float64)) + _along(op, zero_point, x)
    return convert(moved, numpy_dtype(element_of(op.results[0].type)))


def _dequantize(evaluator: Evaluator, op: PlainOp, x: Array, scale: Array, zero_point: Array) -> Array:
    difference = x.astype(np.float64) - _along(op, zero_point, x).astype(np.float64)
    return difference * _along(op, scale, x)


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.DequantizeOp: _dequantize,
    graph.QuantizeOp: _quantize,
}
