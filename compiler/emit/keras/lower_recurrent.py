"""Recurrent layers applied: with masks and states; and those that Keras has no layer of, as functions of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import GruOp, LstmOp, RnnOp
from neuralc.dialects.graph.recurrent import Activation, RecurrentOp
from neuralc.dialects.types import shape_of
from neuralc.emit.keras.lower_layers import layer_at, layer_call
from neuralc.emit.keras.orders import BATCH_FIRST
from neuralc.emit.keras.recurrent import Pair, gives, pair_of, zero
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.plan import Layer
from neuralc.emit.python.values import Values

Render = Callable[[Sequence[Expression]], list[Expression]]

FUNCTIONS: Mapping[str, str] = {
    "elu": "lambda x: ops.elu(x, {0})",
    "exp": "ops.exp",
    "gelu": "lambda x: ops.gelu(x, approximate=False)",
    "affine": "lambda x: {0} * x + {1}",
    "hard_sigmoid": "lambda x: ops.clip({0} * x + {1}, 0, 1)",
    "identity": "lambda x: x",
    "leaky_relu": "lambda x: ops.leaky_relu(x, {0})",
    "relu": "ops.relu",
    "scaled_tanh": "lambda x: {0} * ops.tanh({1} * x)",
    "selu": "ops.selu",
    "sigmoid": "ops.sigmoid",
    "silu": "ops.silu",
    "softplus": "ops.softplus",
    "softsign": "ops.softsign",
    "tanh": "ops.tanh",
    "thresholded_relu": "lambda x: ops.where(x > {0}, x, 0.0)",
}
"""Activations of gates as Python has them, with their numbers."""


class Flipped(Node):
    """A sequence from its end, which a program may turn around again."""


def _recurrent(values: Values, op: RecurrentOp) -> None:
    layer, pair = layer_at(values, op), pair_of(op)
    if layer is None:
        _written(values, op)
    elif pair is not None and layer.spec.kind == "bidirectional":
        # What joins the two directions applies the layer.
        for index, result in enumerate(op.results):
            shape = values.shape(result, values.layouts.orders[result])
            values.alias(op, Node(Kind.INLINE, (), lambda _: name("..."), shape), index)
    else:
        _layer(values, op, layer)


def _arguments(values: Values, op: RecurrentOp, *, states: bool = True) -> tuple[list[Node], Render]:
    """The nodes that a layer is applied to, and how they are passed."""
    nodes, names = [values.at(op.operands[0], BATCH_FIRST)], ["{}"]
    if op.mask_values is not None:
        nodes.append(values.at(op.mask_values, (1, 0)))
        names.append("mask={}")
    if states and not all(map(zero, op.states)):
        nodes += [values.at(state, natural(state)) for state in op.states]
        names.append("initial_state=[{}, {}]" if len(op.states) == 2 else "initial_state={}")

    def render(x: Sequence[Expression]) -> list[Expression]:
        rest, written = list(x), []
        for form in names:
            count = form.count("{}")
            written.append(name(form.format(*rest[:count])))
            rest = rest[count:]
        return written

    return nodes, render


def pair_arguments(values: Values, pair: Pair) -> tuple[list[Node], Render]:
    """What a layer of both directions is applied to."""
    return _arguments(values, pair.forward, states=False)


def _layer(values: Values, op: RecurrentOp, layer: Layer) -> None:
    nodes, render = _arguments(values, op)
    sequences, states = gives(op)
    flipped = sequences and bool(op.literal("reverse"))
    shapes = [values.shape(result, values.layouts.orders[result]) for result in op.results]

    def applied(x: Sequence[Expression]) -> Expression:
        return layer_call(values, layer, render(x))

    if not states:
        index = 0 if sequences else 1
        made = values.add(Kind.LAYER, nodes, applied, shapes[index])
        values.alias(op, _in_order(values, made) if flipped else made, index)
        return
    made = values.add(Kind.CALL, nodes, applied, ())
    # The layer gives its output and then its states; the output is the last one where it gives no sequence.
    for position, index in enumerate((0 if sequences else 1, *range(1, len(op.results)))):
        item = Node(Kind.ITEM, (made,), lambda x: x[0], shapes[index])
        made.items.append(item)
        values.nodes.append(item)
        if position == 0 and not sequences:
            continue
        values.alias(op, _in_order(values, item) if flipped and position == 0 else item, index)


def _in_order(values: Values, made: Node) -> Node:
    """A layer that goes backwards gives its outputs in the order in which it made them."""
    node = Flipped(Kind.VIEW, (made,), lambda x: call("ops.flip", x[0], axis=1), made.shape)
    values.nodes.append(node)
    return node


# -- written out -------------------------------------------------------------------------------------------------------


def _written(values: Values, op: RecurrentOp) -> None:
    if op.literal("dropout") or op.literal("recurrent_dropout"):
        values.refuse(op, "Keras has no layer of it, and a function of the file drops nothing in training")
        return
    function = op.name.removeprefix("graph.")
    values.helpers.add(function)
    nodes = [values.at(op.operands[0], BATCH_FIRST), *(values.at(value, natural(value)) for value in op.operands[1:4])]
    for state in op.states:
        nodes.append(_state(values, op, state) if zero(state) else values.at(state, natural(state)))
    optional = {"mask": op.mask_values, "peepholes": op.peepholes if isinstance(op, LstmOp) else None}
    given = {key: value for key, value in optional.items() if value is not None}
    nodes += [values.at(value, (1, 0) if key == "mask" else natural(value)) for key, value in given.items()]
    options = _options(op)
    positional = 4 + len(op.states)

    def render(x: Sequence[Expression]) -> Expression:
        named: dict[str, Value] = dict(zip(given, x[positional:], strict=True))
        return call(function, *x[:positional], **named, **options)

    made = values.add(Kind.CALL, nodes, render, ())
    for index, result in enumerate(op.results):
        item = Node(Kind.ITEM, (made,), lambda x: x[0], values.shape(result, values.layouts.orders[result]))
        made.items.append(item)
        values.nodes.append(item)
        values.alias(op, item, index)


def _state(values: Values, op: RecurrentOp, state: Any) -> Node:
    """Zeros of a batch that only a run knows."""
    x, units = values.at(op.operands[0], BATCH_FIRST), op.units
    return values.add(
        Kind.OTHER,
        [x],
        lambda x: call("ops.zeros", (name(f"ops.shape({x[0]})[0]"), units), dtype=name(f"{x[0]}.dtype")),
        shape_of(state.type),
    )


def _options(op: RecurrentOp) -> dict[str, Value]:
    functions = tuple(name(_function(each)) for each in op.functions)
    options: dict[str, Value] = {"activations": functions}
    for key in ("reverse", "clip", "input_forget", "reset_after"):
        if key in op.literals() and op.literal(key):
            options[key] = op.literal(key) if key == "clip" else True
    return options


def _function(activation: Activation) -> str:
    return FUNCTIONS[activation.name].format(*(literal(number) for number in activation.numbers))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GruOp: _recurrent,
    LstmOp: _recurrent,
    RnnOp: _recurrent,
}
