"""Functions value by value: one map each."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering, broadcast_word
from neuralc.passes.lower.scalar_functions import ACTIVATIONS, BINARY_FUNCTIONS, leaky


def _binary(at: Lowering, op: graph.BinaryOp) -> SSAValue:
    result = shape_of(op.result.type)
    words = [broadcast_word(shape_of(operand.type), result) for operand in (op.lhs, op.rhs)]
    spec = f"{words[0]},{words[1]}->{identity(len(result))}"
    return at.binary(BINARY_FUNCTIONS[type(op)], op.lhs, op.rhs, spec, result)


def _prelu(at: Lowering, op: graph.PreluOp) -> SSAValue:
    shape = shape_of(op.x.type)
    letters, word = identity(len(shape)), broadcast_word(shape_of(op.alpha.type), shape)
    return at.map(f"{letters},{word}->{letters}", [op.x, op.alpha], shape, leaky)


def _unary(at: Lowering, op: Operation) -> SSAValue:
    x = op.operands[0]
    letters = identity(len(shape_of(x.type)))
    activation = ACTIVATIONS[type(op)]
    return at.map(f"{letters}->{letters}", [x], shape_of(x.type), lambda b, value: activation(b, value, op))


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.PreluOp: _prelu,
    **dict.fromkeys(BINARY_FUNCTIONS, _binary),
    **dict.fromkeys(ACTIVATIONS, _unary),
}
