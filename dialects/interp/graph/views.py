"""Values in another shape or order, and constants, in numpy."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.graph.forms import with_properties
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, is_float, numpy_dtype


def _constant(evaluator: Evaluator, op: PlainOp) -> Array:
    type_ = op.results[0].type
    element = element_of(type_)
    return np.full(
        evaluator.shape(type_), op.literal("value"), np.float64 if is_float(element) else numpy_dtype(element)
    )


def _slice(evaluator: Evaluator, op: graph.SliceOp, x: Array) -> Array:
    starts = [evaluator.size(start) for start in op.starts.data]
    for axis, (start, count, step) in enumerate(
        zip(starts, evaluator.shape(op.result.type), op.literal("steps"), strict=True)
    ):
        x = np.take(x, start + step * np.arange(count), axis=axis)
    return x


def _concat(evaluator: Evaluator, op: graph.ConcatOp, *xs: Array) -> Array:
    return np.concatenate(xs, axis=op.literal("axis"))


def _pad(evaluator: Evaluator, op: graph.PadOp, x: Array) -> Array:
    around, mode = list(zip(op.literal("low"), op.literal("high"), strict=True)), op.literal("mode")
    if mode == "constant":
        return np.pad(x, around, constant_values=op.literal("value"))
    return np.pad(x, around, mode=mode)


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.ReshapeOp: lambda evaluator, op, x: x.reshape(evaluator.shape(op.results[0].type)),
    graph.TransposeOp: with_properties(np.transpose, "perm"),
    graph.ConstantOp: _constant,
    graph.SliceOp: _slice,
    graph.ConcatOp: _concat,
    graph.ExpandOp: lambda evaluator, op, x: np.broadcast_to(x, evaluator.shape(op.result.type)),
    graph.PadOp: _pad,
    graph.IotaOp: lambda evaluator, op: np.arange(*evaluator.shape(op.result.type)),
    graph.SizeOp: lambda evaluator, op: np.asarray(evaluator.size(op.dim.data)),
}
