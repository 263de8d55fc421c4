"""Normalizations and softmax: reductions and maps over rows."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.scalar_functions import ScalarBuilder


def _batch_norm(at: Lowering, op: graph.BatchNormOp) -> SSAValue:
    shape, epsilon = shape_of(op.x.type), op.literal("epsilon")
    letters = identity(len(shape))
    channel = letters[normalize_axis(op.literal("axis"), len(shape))]

    def body(b: ScalarBuilder, x: SSAValue, gamma: SSAValue, beta: SSAValue, mean: SSAValue, var: SSAValue) -> SSAValue:
        scale = b.call("mul", gamma, b.call("rsqrt", b.call("add", var, epsilon)))
        return b.call("add", b.call("mul", b.call("sub", x, mean), scale), beta)

    spec = f"{letters},{channel},{channel},{channel},{channel}->{letters}"
    return at.map(spec, [op.x, op.gamma, op.beta, op.mean, op.variance], shape, body)


def _shifted(at: Lowering, x: SSAValue, axis: int) -> tuple[SSAValue, str, str]:
    """x - max(x) along an axis, with the subscripts of x and of a value that the axis was reduced from."""
    letters = identity(len(shape_of(x.type)))
    kept = letters.replace(letters[axis], "")
    largest = at.emit(tensor.ReduceOp.of(x, kind="maximum", dims=(axis,)))
    return at.binary("sub", x, largest, f"{letters},{kept}->{letters}", shape_of(x.type)), letters, kept


def _softmax(at: Lowering, op: graph.SoftmaxOp | graph.LogSoftmaxOp) -> SSAValue:
    shape = shape_of(op.x.type)
    axis = normalize_axis(op.literal("axis"), len(shape))
    shifted, letters, kept = _shifted(at, op.x, axis)
    exponential = at.unary("exp", shifted)
    total = at.emit(tensor.ReduceOp.of(exponential, kind="add", dims=(axis,)))
    spec = f"{letters},{kept}->{letters}"
    if isinstance(op, graph.SoftmaxOp):
        return at.binary("div", exponential, total, spec, shape)
    return at.binary("sub", shifted, at.unary("log", total), spec, shape)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.BatchNormOp: _batch_norm,
    graph.SoftmaxOp: _softmax,
    graph.LogSoftmaxOp: _softmax,
}
