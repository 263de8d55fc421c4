"""Recurrent layers: helper functions around `lax.scan`, with their activations as functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import GruOp, LstmOp, RnnOp
from neuralc.dialects.graph.recurrent import Activation
from neuralc.dialects.types import shape_of
from neuralc.emit.jax.conventions import conventions_of
from neuralc.emit.jax.lower_functions import number_of
from neuralc.emit.jax.lower_layers import parameters_of
from neuralc.emit.jax.recurrences import Recurrent, function_of
from neuralc.emit.python.control import define_items
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values

_FUNCTIONS: Mapping[str, str] = {
    "affine": "lambda x: {0} * x + {1}",
    "elu": "lambda x: nn.elu(x, {0})",
    "exp": "jnp.exp",
    "gelu": "lambda x: nn.gelu(x, approximate=False)",
    "hard_sigmoid": "lambda x: jnp.clip({0} * x + {1}, 0, 1)",
    "identity": "lambda x: x",
    "leaky_relu": "lambda x: nn.leaky_relu(x, {0})",
    "relu": "nn.relu",
    "scaled_tanh": "lambda x: {0} * jnp.tanh({1} * x)",
    "selu": "nn.selu",
    "sigmoid": "nn.sigmoid",
    "silu": "nn.silu",
    "softplus": "nn.softplus",
    "softsign": "nn.soft_sign",
    "tanh": "jnp.tanh",
    "thresholded_relu": "lambda x: jnp.where(x > {0}, x, 0)",
}
"""The activations of recurrent layers, of their numbers."""

_ROLES: Mapping[type[Operation], tuple[str, ...]] = {
    GruOp: ("sigmoid", "tanh"),
    LstmOp: ("sigmoid", "tanh", "output"),
    RnnOp: ("tanh",),
}
"""What the helper functions call their activations; the defaults are those of their names, and tanh."""


_BEGINNING = frozenset({"lstm", "gru", "gru_reset_after", "rnn"})
"""The functions that begin with zeros where they are given no states."""


def _activations(op: Recurrent, values: Values) -> dict[str, Value]:
    """The activations that differ from the helper function's own."""
    chosen: dict[str, Value] = {}
    for role, activation in zip(_ROLES[type(op)], op.functions, strict=True):
        usual = "sigmoid" if role == "sigmoid" else "tanh"
        clip = op.literal("clip")
        if activation.name != usual or clip:
            function = _function(activation)
            if clip:
                values.helpers.add("clipped")
                function = f"clipped({function}, {clip!r})"
            chosen[role] = name(function)
    return chosen


def _function(activation: Activation) -> str:
    return _FUNCTIONS[activation.name].format(*map(literal, activation.numbers))


def _lstm(values: Values, op: LstmOp) -> None:
    options = _activations(op, values)
    if op.literal("input_forget"):
        options["coupled"] = True
    _apply_recurrent(values, op, options)


def _gru(values: Values, op: GruOp) -> None:
    if not op.literal("reset_after") and len(shape_of(op.bias.type)) == 2:
        values.refuse(op, "a bias of its own for h goes with reset_after")
        return
    _apply_recurrent(values, op, _activations(op, values))


def _rnn(values: Values, op: RnnOp) -> None:
    _apply_recurrent(values, op, _activations(op, values))


def _apply_recurrent(values: Values, op: Recurrent, options: dict[str, Value]) -> None:
    """`y, h, c = lstm(params["lstm"], x, mask)`, or y alone; dropout on the way into a gate has a mask for each."""
    rates, function = (op.literal("dropout"), op.literal("recurrent_dropout")), function_of(op)
    if function == "dropped_peephole_lstm":
        values.refuse(op, "an LSTM with peepholes or coupled gates has no dropout inside")
        return
    places = list(op.operands)
    optional = {"mask": op.mask_values, "peepholes": op.peepholes if isinstance(op, LstmOp) else None}
    more = {key: value for key, value in optional.items() if value is not None}
    nodes, render = parameters_of(values, op)
    begins = function in _BEGINNING and all(number_of(value) == 0 for value in op.states)
    states = [] if begins else [values.operand(op, places.index(value)) for value in op.states]
    if states and len(op.states) > 1 and op.states[0] is op.states[1]:
        states = [states[0], states[0]]
    extra = [values.at(value, tuple(range(len(shape_of(value.type))))) for value in more.values()]
    if op.literal("reverse"):
        options["reverse"] = True
    values.helpers |= {function, *(["gate_masks"] if any(rates) else [])}
    inputs: list[Node] = [values.operand(op, 0), *states, *extra, *nodes]

    def write(x: Sequence[Expression]) -> Expression:
        first, count = 1 + len(states), len(extra)
        given = dict(zip(more, x[first : first + count], strict=True))
        masks = [given["mask"]] if "mask" in given else []
        named: dict[str, Value] = {key: value for key, value in given.items() if key != "mask"}
        dropped = _masks(op, x[0], x[1], rates) if any(rates) else {}
        before = x[1:first]
        if function in _BEGINNING:
            named |= {"initial": tuple(before)} if before else {}
            before = []
        return call(function, render(x[first + count :]), x[0], *before, *masks, **named, **dropped, **options)

    if function in conventions_of(values).without_last:
        values.alias(op, values.add(Kind.CALL, inputs, write, shape_of(op.results[0].type)))
    else:
        define_items(values, op, values.add(Kind.CALL, inputs, write, ()))


def _masks(op: Recurrent, x: Expression, h: Expression, rates: tuple[float, float]) -> dict[str, Value]:
    return {"masks": call("gate_masks", x, h, op.GATES, rates, name("keys"))}


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {GruOp: _gru, LstmOp: _lstm, RnnOp: _rnn}
