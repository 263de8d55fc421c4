"""What acts in training only: dropout as torch's layers, noise that torch has no layer for as an expression."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import ActivityRegularizerOp, DropoutOp, GaussianNoiseOp, TrainingOp
from neuralc.emit.python.expressions import Expression, Precedence, binary, call, literal, name
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.values import Values
from neuralc.emit.torch.attention import is_inside
from neuralc.emit.torch.recurrent_stacks import is_between_levels


def _dropout(values: Values, op: DropoutOp) -> None:
    layer = values.plan.layer_at.get(op)
    if layer is not None:
        _define(values, op, lambda x: call(f"self.{layer.attribute}", x))
    elif is_between_levels(op) or is_inside(op):
        values.alias(op, values.operand(op, 0))
    elif op.literal("kind") == "gaussian":
        _define(values, op, lambda x: _in_training(binary("*", x, _around_one(x, op.literal("rate"))), x))
    elif op.literal("kind") == "zeros":
        places = _one_choice(values, op)
        _define(values, op, lambda x: binary("*", x, _dropped_ones(x, places, op.literal("rate"))))
    else:
        values.refuse(op, "torch drops single values or whole channels before a SELU, and shares no other axes")


def _define(values: Values, op: TrainingOp, write: Callable[[Expression], Expression]) -> None:
    values.define(op, Kind.DROPOUT, [values.operand(op, 0)], lambda x: write(x[0]))


def _dropped_ones(x: Expression, places: str, rate: float) -> Expression:
    return call("F.dropout", call("torch.ones_like", name(f"{x}[{places}]")), rate, name("self.training"))


def _one_choice(values: Values, op: DropoutOp) -> str:
    """The slice of x that has one place along each shared axis: `:, :1`."""
    order = values.layouts.needs[op][0]
    shared = [axis in op.literal("shared") for axis in order]
    last = max(index for index, one in enumerate(shared) if one)
    return ", ".join(":1" if one else ":" for one in shared[: last + 1])


def _around_one(x: Expression, rate: float) -> Expression:
    return binary("+", name("1"), _normal(x, math.sqrt(rate / (1.0 - rate))))


def _normal(x: Expression, deviation: float) -> Expression:
    return binary("*", name(literal(deviation)), call("torch.randn_like", x))


def _in_training(noisy: Expression, x: Expression) -> Expression:
    return Expression(f"{noisy} if self.training else {x}", precedence=Precedence.COMPARISON)


def _gaussian_noise(values: Values, op: GaussianNoiseOp) -> None:
    _define(values, op, lambda x: _in_training(binary("+", x, _normal(x, op.literal("stddev"))), x))


def _activity_regularizer(values: Values, op: ActivityRegularizerOp) -> None:
    values.helpers.add("ActivityRegularization")
    function = values.form.access(values.plan.layer_at[op].attribute)
    _define(values, op, lambda x: call(function, x))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ActivityRegularizerOp: _activity_regularizer,
    DropoutOp: _dropout,
    GaussianNoiseOp: _gaussian_noise,
}
