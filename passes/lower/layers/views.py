"""Values in another shape or order, and constants."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.types import shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering


def _constant(at: Lowering, op: graph.ConstantOp) -> SSAValue:
    return at.emit(tensor.FillOp.of(result=op.result.type, value=op.properties["value"]))


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.ConstantOp: _constant,
    graph.ReshapeOp: lambda at, op: at.reshape(op.x, shape_of(op.result.type)),
    graph.TransposeOp: lambda at, op: at.emit(tensor.TransposeOp.of(op.x, perm=op.literal("perm"))),
}
