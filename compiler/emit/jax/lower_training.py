"""What acts in training only: `keys` has a key for each noise, `train` takes what is added to the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import ActivityRegularizerOp, DropoutOp, GaussianNoiseOp
from neuralc.emit.python.expressions import Value, call, name
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.values import Values


def _dropout(values: Values, op: DropoutOp) -> None:
    kind, rate = op.literal("kind"), op.literal("rate")
    if rate == 1.0:
        # Nothing is left of x, and nothing to scale up.
        values.helpers.add("drop_all")
        values.define(op, Kind.DROPOUT, [values.operand(op, 0)], lambda x: call("drop_all", x[0], name("keys")))
        return
    shared = "shared_dropout" if op.literal("shared") else "dropout"
    function = {"zeros": shared, "alpha": "alpha_dropout", "gaussian": "noise"}[kind]
    options: dict[str, Value] = {"shared": op.literal("shared")} if op.literal("shared") else {}
    if kind == "gaussian":
        rate, options = math.sqrt(rate / (1.0 - rate)), {"factor": True}
    _define(values, op, function, rate, options)


def _gaussian_noise(values: Values, op: GaussianNoiseOp) -> None:
    _define(values, op, "noise", op.literal("stddev"), {})


def _define(values: Values, op: Operation, function: str, amount: float, options: dict[str, Value]) -> None:
    values.helpers.add(function)
    values.define(
        op, Kind.DROPOUT, [values.operand(op, 0)], lambda x: call(function, x[0], amount, name("keys"), **options)
    )


def _activity_regularizer(values: Values, op: ActivityRegularizerOp) -> None:
    values.helpers.add("penalized")
    factors = {key: op.literal(key) for key in ("l1", "l2") if op.literal(key)}
    values.define(
        op, Kind.DROPOUT, [values.operand(op, 0)], lambda x: call("penalized", x[0], name("train"), **factors)
    )


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ActivityRegularizerOp: _activity_regularizer,
    DropoutOp: _dropout,
    GaussianNoiseOp: _gaussian_noise,
}
