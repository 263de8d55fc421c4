"""JAX, as the shared parts of the emitters see it: functions over a tree of arrays, whose paths name the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    ActivityRegularizerOp,
    BatchNormOp,
    BinaryOp,
    ConcatOp,
    GaussianNoiseOp,
    LogSoftmaxOp,
    PadOp,
    ReduceOp,
    SliceOp,
    SoftmaxOp,
    TransposeOp,
    UnaryOp,
)
from neuralc.emit.jax.conventions import Conventions, JaxForm
from neuralc.emit.jax.layers import layer_of
from neuralc.emit.jax.lower_states import with_states
from neuralc.emit.jax.lowering import LOWERINGS, WITHOUT_CODE
from neuralc.emit.jax.reserved import FUNCTION_NAMES, INPUT_NAMES, LOCAL_NAMES
from neuralc.emit.jax.steps import steps_of
from neuralc.emit.layouts import Order, natural
from neuralc.emit.python.expressions import Expression, Precedence, call, method, name
from neuralc.emit.python.form import Form
from neuralc.emit.python.names import function_name
from neuralc.emit.python.plan import Child, ClassPlan

POSITIONAL = {
    "init_conv": ("key", "window", "inputs", "filters"),
    "init_conv_transpose": ("key", "window", "inputs", "filters"),
    "init_dense": ("key", "inputs", "units"),
    "init_einsum_dense": ("key", "shape", "units"),
    "init_depthwise_conv": ("key", "window", "channels", "multiplier"),
    "init_linear": ("key", "inputs", "units"),
    "init_rms_norm": ("channels",),
    "init_batch_norm": ("channels",),
    "init_norm": ("channels",),
    "init_lstm": ("key", "inputs", "units"),
    "init_gru": ("key", "inputs", "units"),
    "init_rnn": ("key", "inputs", "units"),
}


DEFAULTS = {key: {"stride": "1"} for key in ("init_conv", "init_conv_transpose", "init_depthwise_conv")}
"""Options that functions may have as parameters, with what they are where they are left out (options.py)."""


def form_of(conventions: Conventions) -> JaxForm:
    """The form of a file with these conventions."""
    return JaxForm(
        name="JAX",
        layer_of=lambda op, _: layer_of(op),
        demanded_order=_demanded_order,
        lowerings=LOWERINGS,
        without_code=WITHOUT_CODE,
        permuted=_permuted,
        local_names=LOCAL_NAMES,
        input_names=INPUT_NAMES,
        class_names=FUNCTION_NAMES,
        class_name=function_name,
        attribute=str,
        parameter='{}["{}"]'.format,
        loop=lambda form, attribute: ("block", lambda: form.access(attribute)),
        owning=False,
        forms=_forms,
        applied=_applied,
        with_states=with_states,
        positional=POSITIONAL,
        inner={"filters": "hidden", "units": "hidden"},
        defaults=DEFAULTS,
        indent=4,
        conventions=conventions,
    )


_FOLLOWING = (
    ActivityRegularizerOp, BatchNormOp, BinaryOp, ConcatOp, GaussianNoiseOp, LogSoftmaxOp, PadOp, ReduceOp, SliceOp,
    SoftmaxOp, TransposeOp, UnaryOp,
)  # fmt: skip
"""Ops that are written for any order of axes: a transpose in front of them is made behind them, or never."""


def _forms(plans: Sequence[ClassPlan], form: Form) -> Mapping[str, Form]:
    """Each function with the branches that it names. A variable that is called as a function would hide it."""
    functions = {plan.name for plan in plans}
    return {plan.name: cast(JaxForm, form).of_plan(plan, functions) for plan in plans}


def _demanded_order(op: Operation) -> Order | None:
    """lax takes any layout, so that nothing but the model itself moves axes."""
    return None if isinstance(op, _FOLLOWING) else natural(op.operands[0])


def _permuted(x: Expression, axes: Order) -> Expression:
    return name(f"{x.within(Precedence.ATOM)}.T") if axes == (1, 0) else method(x, "transpose", *axes)


def _applied(child: Child, held: str, arguments: Sequence[Expression]) -> Expression:
    """`block(params["block"], x)`; a function without weights takes none, one that trains has the step of it."""
    trees = [name(held)] if child.plan.holds_weights else []
    return call(child.plan.written, *trees, *arguments, *map(name, steps_of(child.plan)), *map(name, child.options))
