"""Products of matrices."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering


def add_bias(at: Lowering, y: SSAValue, bias: SSAValue | None, axis: int) -> SSAValue:
    if bias is None:
        return y
    letters = identity(len(shape_of(y.type)))
    return at.binary("add", y, bias, f"{letters},{letters[axis]}->{letters}", shape_of(y.type))


def _dense(at: Lowering, op: graph.DenseOp) -> SSAValue:
    rows = identity(len(shape_of(op.x.type)) - 1).replace("k", "z").replace("u", "y")
    y = at.emit(tensor.ContractOp.of(op.x, op.kernel, spec=f"{rows}k,ku->{rows}u"))
    return add_bias(at, y, op.bias, -1)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.DenseOp: _dense,
}
