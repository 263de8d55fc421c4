"""Reductions over axes."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering, unsupported


def _reduce(at: Lowering, op: graph.ReduceOp) -> SSAValue:
    shape = shape_of(op.x.type)
    axes = tuple(sorted(normalize_axis(axis, len(shape)) for axis in op.literal("axes")))
    if not axes:
        return op.x
    kind = {"sum": "add", "mean": "add"}.get(op.literal("kind"), op.literal("kind"))
    y = at.emit(tensor.ReduceOp.of(op.x, kind=kind, dims=axes))
    if op.literal("kind") == "mean":
        count = 1
        for axis in axes:
            size = shape[axis]
            if isinstance(size, Dim):
                raise unsupported(op, f"a mean over the symbolic size {size} is not compiled yet")
            count *= size
        letters = identity(len(shape) - len(axes))
        y = at.map(f"{letters}->{letters}", [y], shape_of(y.type), lambda b, x: b.call("mul", x, 1.0 / count))
    return at.reshape(y, shape_of(op.result.type))


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.ReduceOp: _reduce,
}
