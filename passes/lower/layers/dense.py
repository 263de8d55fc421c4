"""Products of matrices and determinants.

Integers of up to 32 bits are contracted in i32, wider ones in i64: sums wrap around, so the low bits are right.
"""

from __future__ import annotations

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.tensor.subscripts import LETTERS, identity
from neuralc.dialects.types import element_bytes, element_of, is_float, shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering


def contract(at: Lowering, spec: str, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
    """A sum of products in the operands' element type. What has no loop in the result gets one of size 1."""
    element = element_of(lhs.type)
    if spec.endswith("->"):
        row = next(letter for letter in LETTERS if letter not in spec)
        y = contract(at, f"{row}{spec}{row}", at.reshape(lhs, (1, *shape_of(lhs.type))), rhs)
        return at.reshape(y, ())
    if is_float(element):
        return at.emit(tensor.ContractOp.of(lhs, rhs, spec=spec))
    wide = i32 if element_bytes(element) <= 4 else i64
    y = at.emit(tensor.ContractOp.of(at.cast(lhs, wide), at.cast(rhs, wide), spec=spec))
    return at.cast(y, element)


def add_bias(at: Lowering, y: SSAValue, bias: SSAValue | None, axis: int) -> SSAValue:
    if bias is None:
        return y
    letters = identity(len(shape_of(y.type)))
    return at.binary("add", y, bias, f"{letters},{letters[axis]}->{letters}", shape_of(y.type))


def _dense(at: Lowering, op: graph.DenseOp) -> SSAValue:
    rows = identity(len(shape_of(op.x.type)) - 1).replace("k", "z").replace("u", "y")
    return add_bias(at, contract(at, f"{rows}k,ku->{rows}u", op.x, op.kernel), op.bias, -1)


def _matmul(at: Lowering, op: graph.MatmulOp) -> SSAValue:
    """Letters: those of the leading dims, m and k, k and n. A leading dim of 1 that broadcasts has none."""
    shapes = [shape_of(operand.type) for operand in (op.lhs, op.rhs)]
    ends = ["mk"[-min(len(shapes[0]), 2) :], "kn"[: min(len(shapes[1]), 2)]]
    result = shape_of(op.result.type)
    own = [len(shape) - len(end) for shape, end in zip(shapes, ends, strict=True)]
    leading = "abcdefghijopqrstuvwxyz"[: max(own)]
    words, values = [], []
    for operand, shape, end, count in zip((op.lhs, op.rhs), shapes, ends, own, strict=True):
        letters = leading[len(leading) - count :]
        whole = result[len(leading) - count : len(leading)]
        kept = [i for i in range(count) if shape[i] == whole[i]]
        words.append("".join(letters[i] for i in kept) + end)
        values.append(at.reshape(operand, [*(shape[i] for i in kept), *shape[count:]]))
    out = leading + ends[0].replace("k", "") + ends[1].replace("k", "")
    return contract(at, f"{words[0]},{words[1]}->{out}", *values)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.DenseOp: _dense,
    graph.MatmulOp: _matmul,
}
