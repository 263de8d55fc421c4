"""The activation functions of the graph level, written in the scalar table: the regions of `tensor.map`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.tensor import AtOp, NumberOp, PositionOp, ScalarOp, SizeOp, YieldOp
from neuralc.dialects.types import DimAttr, is_float

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
"""Klambauer et al. 2017, equation 14, to double precision."""


class ScalarBuilder:
    """Writes the region of a map: arguments of one element type each, scalar functions, a yield."""

    def __init__(self, element_types: list[Attribute]) -> None:
        self.block = Block(arg_types=element_types)

    @property
    def args(self) -> tuple[SSAValue, ...]:
        return tuple(self.block.args)

    def number(self, value: float, like: SSAValue) -> SSAValue:
        """A constant of the type of `like`."""
        return self._add(NumberOp.of(result=like.type, value=float(value) if is_float(like.type) else int(value)))

    def position(self, loop: str, element_type: Attribute) -> SSAValue:
        """Where along a loop of the map."""
        return self._add(PositionOp.of(result=element_type, loop=loop))

    def size(self, dim: int | Dim, element_type: Attribute) -> SSAValue:
        """A size as a number."""
        if (known := as_dim(dim)).is_static:
            value = float(known.value) if is_float(element_type) else known.value
            return self._add(NumberOp.of(result=element_type, value=value))
        return self._add(SizeOp.of(result=element_type, dim=DimAttr(known)))

    def at(
        self, table: SSAValue, indices: Sequence[SSAValue], *, checked: bool = False, other: float | None = None
    ) -> SSAValue:
        """The element of a whole operand at an index for each of its dims."""
        if other is None:
            return self._add(AtOp.of(table, *indices, checked=checked))
        return self._add(AtOp.of(table, *indices, checked=checked, other=other))

    def convert(self, value: SSAValue, element_type: Attribute) -> SSAValue:
        """The value as another type; nothing where it has that type."""
        if value.type == element_type:
            return value
        return self._add(ScalarOp.of(value, fn="convert", result=element_type))

    def constant(self, value: Attribute, element_type: Attribute) -> SSAValue:
        """A constant given as an attribute."""
        return self._add(NumberOp.of(result=element_type, value=value))

    def call(self, function: str, *args: SSAValue | float, checked: bool = False) -> SSAValue:
        """Apply a function of the scalar table; plain numbers take the type of the first value."""
        like = next(arg for arg in args[::-1] if isinstance(arg, SSAValue))
        values = [arg if isinstance(arg, SSAValue) else self.number(arg, like) for arg in args]
        return self._add(ScalarOp.of(*values, fn=function, checked=checked))

    def finish(self, value: SSAValue) -> Region:
        self.block.add_op(YieldOp([value]))
        return Region(self.block)

    def _add(self, op: Operation) -> SSAValue:
        self.block.add_op(op)
        return op.results[0]


Activation = Callable[[ScalarBuilder, SSAValue, Operation], SSAValue]


def _relu6(b: ScalarBuilder, x: SSAValue) -> SSAValue:
    return b.call("minimum", b.call("maximum", x, 0.0), 6.0)


def sigmoid(b: ScalarBuilder, x: SSAValue) -> SSAValue:
    return b.call("div", 1.0, b.call("add", b.call("exp", b.call("neg", x)), 1.0))


def softplus(b: ScalarBuilder, x: SSAValue) -> SSAValue:
    # max(x, 0) + log(1 + exp(-|x|)): the exponential never overflows.
    small = b.call("exp", b.call("neg", b.call("abs", x)))
    return b.call("add", b.call("maximum", x, 0.0), b.call("log", b.call("add", small, 1.0)))


def elu(b: ScalarBuilder, x: SSAValue, alpha: float) -> SSAValue:
    negative = b.call("mul", b.call("sub", b.call("exp", b.call("minimum", x, 0.0)), 1.0), alpha)
    return b.call("select", b.call("gt", x, 0.0), x, negative)


def leaky(b: ScalarBuilder, x: SSAValue, alpha: SSAValue | float) -> SSAValue:
    return b.call("select", b.call("ge", x, 0.0), x, b.call("mul", x, alpha))


def _gelu(b: ScalarBuilder, x: SSAValue, op: Operation) -> SSAValue:
    if isinstance(op, graph.GeluOp) and op.literal("approximate"):
        cubic = b.call("mul", b.call("mul", b.call("mul", x, x), x), 0.044715)
        inner = b.call("tanh", b.call("mul", b.call("add", x, cubic), math.sqrt(2 / math.pi)))
    else:
        inner = b.call("erf", b.call("mul", x, math.sqrt(0.5)))
    return b.call("mul", b.call("mul", x, 0.5), b.call("add", inner, 1.0))


def _hard_sigmoid(b: ScalarBuilder, x: SSAValue, op: Operation) -> SSAValue:
    return _line(b, x, _number(op, "alpha"), _number(op, "beta"))


def _line(b: ScalarBuilder, x: SSAValue, slope: float, shift: float) -> SSAValue:
    """min(max(slope * x + shift, 0), 1)."""
    line = b.call("add", b.call("mul", x, slope), shift)
    return b.call("minimum", b.call("maximum", line, 0.0), 1.0)


def _number(op: Operation, name: str) -> float:
    """A property that is a number."""
    return float(to_literal(op.properties[name]))


def _alpha(op: Operation) -> float:
    return float(op.literal("alpha")) if isinstance(op, graph.LeakyReluOp | graph.EluOp) else 0.0


ACTIVATIONS: dict[type[Operation], Activation] = {
    graph.IdentityOp: lambda b, x, op: x,
    graph.ReluOp: lambda b, x, op: b.call("maximum", x, 0.0),
    graph.Relu6Op: lambda b, x, op: _relu6(b, x),
    graph.LeakyReluOp: lambda b, x, op: leaky(b, x, _alpha(op)),
    graph.EluOp: lambda b, x, op: elu(b, x, _alpha(op)),
    graph.SeluOp: lambda b, x, op: b.call("mul", elu(b, x, SELU_ALPHA), SELU_SCALE),
    graph.GeluOp: _gelu,
    graph.SiluOp: lambda b, x, op: b.call("mul", x, sigmoid(b, x)),
    graph.MishOp: lambda b, x, op: b.call("mul", x, b.call("tanh", softplus(b, x))),
    graph.SigmoidOp: lambda b, x, op: sigmoid(b, x),
    graph.TanhOp: lambda b, x, op: b.call("tanh", x),
    graph.SoftplusOp: lambda b, x, op: softplus(b, x),
    graph.SoftsignOp: lambda b, x, op: b.call("div", x, b.call("add", b.call("abs", x), 1.0)),
    graph.HardSigmoidOp: _hard_sigmoid,
    # A multiply-add and two limits: a division would take as long as all of it.
    graph.HardSwishOp: lambda b, x, op: b.call("mul", x, _line(b, x, 1 / 6, 0.5)),
    graph.ExpOp: lambda b, x, op: b.call("exp", x),
    graph.LogOp: lambda b, x, op: b.call("log", x),
    graph.SqrtOp: lambda b, x, op: b.call("sqrt", x),
    graph.RsqrtOp: lambda b, x, op: b.call("rsqrt", x),
    graph.NegOp: lambda b, x, op: b.call("neg", x),
    graph.AbsOp: lambda b, x, op: b.call("abs", x),
    graph.ErfOp: lambda b, x, op: b.call("erf", x),
}
"""Each unary op of the graph level as an expression of scalar functions."""
