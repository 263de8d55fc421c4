"""Recurrent layers: the input's part of all gates is one contraction, the recurrent part a scan over time.

%p = tensor.contract "tbi,ig->tbg" %x, %kernel                       all times at once
%q = tensor.map "tbg,g->tbg" %p, %bias
%h, %c, %y = tensor.scan to T carried(%h, %c) scanned(%q_t = %q) captured(%r = %recurrent) {
  %m = tensor.contract "bh,hg->bg" %h, %r                            one kernel with the sum behind it
  %z = tensor.map "bg,bg->bg" %m, %q_t
  ..                                                                 gates: slices of %z, one map a state
}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import i1
from xdsl.ir import Block, Operation, Region, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.recurrent import Activation, RecurrentOp
from neuralc.dialects.types import DimsAttr, element_of, shape_of, tensor_type
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.scalar_functions import (
    SELU_ALPHA,
    SELU_SCALE,
    ScalarBuilder,
    elu,
    leaky,
    sigmoid,
    softplus,
)

Scalar = Callable[[ScalarBuilder, SSAValue], SSAValue]

WRITTEN: dict[str, Callable[..., SSAValue]] = {
    "affine": lambda b, x, alpha, beta: b.call("add", b.call("mul", x, alpha), beta),
    "elu": elu,
    "exp": lambda b, x: b.call("exp", x),
    "gelu": lambda b, x: _gelu(b, x),
    "hard_sigmoid": lambda b, x, alpha, beta: _bounded(b, b.call("add", b.call("mul", x, alpha), beta), 0.0, 1.0),
    "identity": lambda b, x: x,
    "leaky_relu": leaky,
    "relu": lambda b, x: b.call("maximum", x, 0.0),
    "scaled_tanh": lambda b, x, alpha, beta: b.call("mul", b.call("tanh", b.call("mul", x, beta)), alpha),
    "selu": lambda b, x: b.call("mul", elu(b, x, SELU_ALPHA), SELU_SCALE),
    "sigmoid": sigmoid,
    "silu": lambda b, x: b.call("mul", x, sigmoid(b, x)),
    "softplus": softplus,
    "softsign": lambda b, x: b.call("div", x, b.call("add", b.call("abs", x), 1.0)),
    "tanh": lambda b, x: b.call("tanh", x),
    "thresholded_relu": lambda b, x, alpha: b.call("select", b.call("gt", x, alpha), x, b.number(0.0, x)),
}
"""Each activation as an expression of scalar functions."""


def _gelu(b: ScalarBuilder, x: SSAValue) -> SSAValue:
    return b.call("mul", b.call("mul", x, 0.5), b.call("add", b.call("erf", b.call("mul", x, math.sqrt(0.5))), 1.0))


def _bounded(b: ScalarBuilder, x: SSAValue, low: float, high: float) -> SSAValue:
    return b.call("minimum", b.call("maximum", x, low), high)


def _functions(op: RecurrentOp) -> list[Scalar]:
    """The activations, with the bound of what goes into them."""
    clip = op.literal("clip")

    def one(activation: Activation) -> Scalar:
        write = WRITTEN[activation.name]

        def apply(b: ScalarBuilder, x: SSAValue) -> SSAValue:
            return write(b, _bounded(b, x, -clip, clip) if clip else x, *activation.numbers)

        return apply

    return [one(activation) for activation in op.functions]


@dataclass
class _Step:
    """The body of the scan of one layer while it is written: `at` writes at its end."""

    op: RecurrentOp
    captured: list[SSAValue] = field(default_factory=list)
    """Outer values that the body reads, each an argument behind the others."""

    def __post_init__(self) -> None:
        time, batch, _ = shape_of(self.op.operands[0].type)
        units, element = self.op.units, element_of(self.op.operands[0].type)
        self.time, self.batch, self.units, self.element = time, batch, units, element
        state = tensor_type((batch, units), element)
        gates = tensor_type((batch, self.op.GATES * units), element)
        self.block = Block(arg_types=[*[state] * self.op.STATES, gates])
        self.at = Lowering(self.op, self.block)
        *self.states, self.projected = self.block.args

    def capture(self, value: SSAValue) -> SSAValue:
        self.captured.append(value)
        argument = self.block.insert_arg(value.type, len(self.block.args))
        argument.name_hint = value.name_hint
        return argument

    def gate(self, value: SSAValue, first: int, count: int = 1) -> SSAValue:
        """Some gates of a value whose last dim holds all of them."""
        *outer, _ = shape_of(value.type)
        starts = DimsAttr((*(Dim.constant(0) for _ in outer), Dim.constant(first * self.units)))
        result = tensor_type((*outer, count * self.units), self.element)
        return self.at.emit(tensor.SliceOp.of(value, starts=starts, strides=(1,) * (len(outer) + 1), result=result))

    def product(self, h: SSAValue, matrix: SSAValue) -> SSAValue:
        return self.at.emit(tensor.ContractOp.of(h, matrix, spec="bh,hg->bg"))

    def map(self, values: Sequence[SSAValue], body: Callable[..., SSAValue]) -> SSAValue:
        """A map over what is [batch, gates] or [gates], and truth values of [batch]."""
        words = ["b" if element_of(v.type) == i1 else "bg" if len(shape_of(v.type)) == 2 else "g" for v in values]
        shape = next(shape_of(value.type) for value in values if len(shape_of(value.type)) == 2)
        return self.at.map(f"{','.join(words)}->bg", values, shape, body)


def _project(at: Lowering, op: RecurrentOp, bias: SSAValue) -> SSAValue:
    """x W + b of all times."""
    x, kernel = op.operands[:2]
    product = at.emit(tensor.ContractOp.of(x, kernel, spec="tbi,ig->tbg"))
    return at.binary("add", product, bias, "tbg,g->tbg", shape_of(product.type))


def _finish(at: Lowering, step: _Step, projected: SSAValue, following: Sequence[SSAValue]) -> list[SSAValue]:
    """The scan around the body: states are kept where a mask is false. Gives the outputs and the last states."""
    op, scanned = step.op, [projected]
    if (mask := op.mask_values) is not None:
        scanned.append(mask)
        counts = step.block.insert_arg(tensor_type((step.batch,), i1), op.STATES + 1)
        following = [
            step.map([counts, new, old], lambda b, c, x, y: b.call("select", c, x, y))
            for new, old in zip(following, step.states, strict=True)
        ]
    step.block.add_op(tensor.YieldOp([*following, following[0]]))
    flags = [int(op.literal("reverse"))] * (len(scanned) + 1)
    scan = tensor.ScanOp.of(step.time, op.states, scanned, step.captured, Region(step.block), flags)
    at.insert(scan)
    *last, outputs = scan.results
    return [outputs, *last]


def _lstm(at: Lowering, op: graph.LstmOp) -> list[SSAValue]:
    f, g, h = _functions(op)
    step = _Step(op)
    matrix = step.capture(op.recurrent)
    peepholes = None if op.peepholes is None else step.capture(op.peepholes)
    before, c = step.states
    gates = step.map([step.product(before, matrix), step.projected], lambda b, m, x: b.call("add", m, x))
    i, forget, cell, output = (step.gate(gates, number) for number in range(4))
    looks = [] if peepholes is None else [step.gate(peepholes, number) for number in range(3)]
    coupled = op.literal("input_forget")

    def next_cell(
        b: ScalarBuilder, i: SSAValue, forget: SSAValue, new: SSAValue, c: SSAValue, *p: SSAValue
    ) -> SSAValue:
        if p:
            i, forget = (b.call("add", gate, b.call("mul", look, c)) for gate, look in zip((i, forget), p, strict=True))
        i = f(b, i)
        kept = b.call("sub", 1.0, i) if coupled else f(b, forget)
        return b.call("add", b.call("mul", kept, c), b.call("mul", i, g(b, new)))

    def next_output(b: ScalarBuilder, o: SSAValue, c: SSAValue, *p: SSAValue) -> SSAValue:
        o = b.call("add", o, b.call("mul", p[0], c)) if p else o
        return b.call("mul", f(b, o), h(b, c))

    following = step.map([i, forget, cell, c, *looks[:2]], next_cell)
    y = step.map([output, following, *looks[2:]], next_output)
    return _finish(at, step, _project(at, op, op.bias), [y, following])


def _gru(at: Lowering, op: graph.GruOp) -> list[SSAValue]:
    step = _Step(op)
    bias, own = op.bias, None
    if len(shape_of(op.bias.type)) == 2:
        rows = [_row(at, op.bias, number) for number in range(2)]
        if op.literal("reset_after"):
            bias, own = rows[0], rows[1]
        else:
            bias = at.binary("add", rows[0], rows[1], "g,g->g", shape_of(rows[0].type))
    matrix = step.capture(op.recurrent)
    if op.literal("reset_after"):
        y = _reset_after(step, matrix, None if own is None else step.capture(own))
    else:
        y = _reset_before(step, matrix)
    return _finish(at, step, _project(at, op, bias), [y])


def _row(at: Lowering, bias: SSAValue, number: int) -> SSAValue:
    width = shape_of(bias.type)[1]
    starts = DimsAttr((Dim.constant(number), Dim.constant(0)))
    result = tensor_type((1, width), element_of(bias.type))
    return at.reshape(at.emit(tensor.SliceOp.of(bias, starts=starts, strides=(1, 1), result=result)), (width,))


def _reset_after(step: _Step, matrix: SSAValue, bias: SSAValue | None) -> SSAValue:
    """n = g(x + r (h R + b'))."""
    f, g = _functions(step.op)
    (h,) = step.states
    inner = step.product(h, matrix)
    if bias is not None:
        inner = step.map([inner, bias], lambda b, m, c: b.call("add", m, c))
    parts = [step.gate(value, number) for number in range(3) for value in (step.projected, inner)]

    def new(b: ScalarBuilder, h: SSAValue, *p: SSAValue) -> SSAValue:
        z, r = f(b, b.call("add", p[0], p[1])), f(b, b.call("add", p[2], p[3]))
        return _mixed(b, z, h, g(b, b.call("add", p[4], b.call("mul", r, p[5]))))

    return step.map([h, *parts], new)


def _reset_before(step: _Step, matrix: SSAValue) -> SSAValue:
    """n = g(x + (r h) R)."""
    f, g = _functions(step.op)
    (h,) = step.states
    first = step.product(h, step.gate(matrix, 0, 2))
    gates = step.map([first, step.gate(step.projected, 0, 2)], lambda b, m, x: f(b, b.call("add", m, x)))
    z, r = step.gate(gates, 0), step.gate(gates, 1)
    reset = step.map([r, h], lambda b, r, h: b.call("mul", r, h))
    second = step.product(reset, step.gate(matrix, 2))

    def new(b: ScalarBuilder, m: SSAValue, x: SSAValue, z: SSAValue, h: SSAValue) -> SSAValue:
        return _mixed(b, z, h, g(b, b.call("add", m, x)))

    return step.map([second, step.gate(step.projected, 2), z, h], new)


def _mixed(b: ScalarBuilder, z: SSAValue, h: SSAValue, n: SSAValue) -> SSAValue:
    """z h + (1 - z) n."""
    return b.call("add", b.call("mul", z, h), b.call("mul", b.call("sub", 1.0, z), n))


def _rnn(at: Lowering, op: graph.RnnOp) -> list[SSAValue]:
    (f,) = _functions(op)
    step = _Step(op)
    matrix = step.capture(op.recurrent)
    inner = step.product(step.states[0], matrix)
    y = step.map([inner, step.projected], lambda b, m, x: f(b, b.call("add", m, x)))
    return _finish(at, step, _project(at, op, op.bias), [y])


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.GruOp: _gru,
    graph.LstmOp: _lstm,
    graph.RnnOp: _rnn,
}
