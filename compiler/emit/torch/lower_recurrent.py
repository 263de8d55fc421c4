"""Recurrent layers applied to sequences; to masked ones, and where torch has no layer, by functions of the file.

A layer stands where the last of its ops does; what joins its directions is what it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import ConcatOp, GruOp, LstmOp, RnnOp, WhereOp
from neuralc.dialects.graph.recurrent import Activation, RecurrentOp
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import natural, permuted
from neuralc.emit.python.expressions import Expression, Value, call, literal, method, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.plan import Layer
from neuralc.emit.python.values import Values
from neuralc.emit.torch.recurrent import is_layer
from neuralc.emit.torch.recurrent_stacks import BATCH_FIRST, Level, Stack, is_zero, stack_of

FUNCTIONS: Mapping[str, str] = {
    "affine": "lambda x: {0} * x + {1}",
    "elu": "lambda x: F.elu(x, {0})",
    "exp": "torch.exp",
    "gelu": "F.gelu",
    "hard_sigmoid": "lambda x: ({0} * x + {1}).clamp(0, 1)",
    "identity": "lambda x: x",
    "leaky_relu": "lambda x: F.leaky_relu(x, {0})",
    "relu": "F.relu",
    "scaled_tanh": "lambda x: {0} * torch.tanh({1} * x)",
    "selu": "F.selu",
    "sigmoid": "torch.sigmoid",
    "silu": "F.silu",
    "softplus": "lambda x: F.softplus(x, threshold=40)",
    "softsign": "F.softsign",
    "tanh": "torch.tanh",
    "thresholded_relu": "lambda x: torch.where(x > {0}, x, 0)",
}
"""The activations of recurrent layers, of their numbers."""

ROLES: Mapping[type[Operation], tuple[str, ...]] = {
    GruOp: ("sigmoid", "tanh"),
    LstmOp: ("sigmoid", "tanh", "output"),
    RnnOp: ("tanh",),
}
"""What the functions of the file call their activations."""


def stack_at(values: Values, op: Operation) -> Stack | None:
    """The layer of torch that an op is part of."""
    stack = stack_of(op)
    return stack if stack is not None and stack.first in values.plan.layer_at else None


def made_by_layer(values: Values, op: ConcatOp | WhereOp) -> bool:
    """True for a join or a choice that the layer in front of it has made already."""
    if stack_at(values, op) is not None:
        return True
    stack = stack_of(op)
    if stack is None or not is_layer(stack):
        return False
    values.refuse(op, "its directions share weights with another layer")
    return True


def _recurrent(values: Values, op: RecurrentOp) -> None:
    stack = stack_at(values, op)
    if stack is None:
        _written(values, op)
        return
    if op is stack.start:
        for member in stack.members:
            for index, result in enumerate(member.results):
                # What is inside of the layer is never read by name.
                values.alias(member, Node(Kind.INLINE, (), lambda _: name("..."), shape_of(result.type)), index)
    if op is stack.place:
        _apply(values, stack, values.plan.layer_at[op])


# -- a layer -----------------------------------------------------------------------------------------------------------


def _apply(values: Values, stack: Stack, layer: Layer) -> None:
    top, first = stack.levels[-1], stack.first
    order = BATCH_FIRST if stack.batch_first else (0, 1, 2)
    time = order.index(0)
    backwards = not stack.bidirectional and bool(first.literal("reverse"))
    x = values.at(first.operands[0], order)
    if backwards:
        x = _flipped(values, x, time)
    inputs, masked = [x], first.mask_values
    if masked is not None:
        values.helpers.add("masked")
        mask = values.at(masked, (1, 0))
        inputs.append(_flipped(values, mask, 1) if backwards else mask)
    starts = [] if all(is_zero(state) for op in stack.ops for state in op.states) else _starts(values, stack)
    function, states = values.form.access(layer.attribute), [len(node) for node in starts]

    def render(x: Sequence[Expression]) -> Expression:
        given, rest = list(x[: len(inputs)]), list(x[len(inputs) :])
        written = []
        for count in states:
            written.append(_stacked(rest[:count]))
            rest = rest[count:]
        if written:
            given.append(written[0] if len(written) == 1 else name(f"({', '.join(map(str, written))})"))
        return call("masked", name(function), *given) if masked is not None else call(function, *given)

    made = values.add(Kind.CALL, [*inputs, *(node for nodes in starts for node in nodes)], render, ())
    y = _item(values, made, made, permuted(shape_of(top.y.type), order))
    _give_outputs(values, top, _flipped(values, y, time) if backwards else y)
    _give_states(values, stack, made)


def _stacked(rows: Sequence[Expression]) -> Expression:
    """The states of all levels and directions as torch wants them."""
    return method(rows[0], "unsqueeze", 0) if len(rows) == 1 else call("torch.stack", tuple(rows))


def _starts(values: Values, stack: Stack) -> list[list[Node]]:
    """Where the states begin: h of all ops, then c."""
    axis = 0 if stack.batch_first else 1
    x = values.at(stack.first.operands[0], BATCH_FIRST if stack.batch_first else (0, 1, 2))
    rows = zip(*(op.states for op in stack.ops), strict=True)
    return [[_start(values, x, axis, state, stack.first) for state in row] for row in rows]


def _flipped(values: Values, x: Node, axis: int) -> Node:
    return values.add(Kind.VIEW, [x], lambda x: method(x[0], "flip", axis), x.shape)


def _item(values: Values, made: Node, around: Node, shape: Any) -> Node:
    item = Node(Kind.ITEM, (made,), lambda x: x[0], shape)
    around.items.append(item)
    values.nodes.append(item)
    return item


def _give_outputs(values: Values, top: Level, y: Node) -> None:
    """The outputs, as all ops have them that only bring them into place; zeros stand where the mask is false."""
    for where in top.filled:
        values.alias(where, y)
    if isinstance(top.y.owner, ConcatOp):
        values.alias(top.y.owner, y)
        return
    op = top.ops[0]
    if not op.results[0].uses:
        return
    reads_zeros = all(use.operation in top.filled for use in op.results[0].uses)
    if op.mask_values is None or reads_zeros:
        values.alias(op, y)
        return
    values.helpers.add("held")
    start = [] if is_zero(op.states[0]) else [values.operand(op, 4)]
    turned = bool(op.literal("reverse"))

    def render(x: Sequence[Expression]) -> Expression:
        if not turned:
            return call("held", *x)
        flipped = [method(each, "flip", 1) for each in x[:2]]
        return method(call("held", *flipped, *x[2:]), "flip", 1)

    mask = values.at(op.mask_values, (1, 0))
    values.alias(op, values.add(Kind.OTHER, [y, mask, *start], render, y.shape))


def _give_states(values: Values, stack: Stack, made: Node) -> None:
    """The last states: rows of `h` and `c`, which are what they began with for a sequence of no steps."""
    count = len(stack.first.states)
    rows = [permuted(shape_of(stack.first.results[1].type), (0, 1))]
    group = Node(Kind.ITEM, (made,), lambda x: x[0], ())
    group.items = []
    states = []
    for index in range(count):
        item = _item(values, made, group, (len(stack.ops), *rows[0]))
        item.hint = "hc"[index]
        states.append(item)
    made.items.append(group if count > 1 else group.items[0])
    for place, op in enumerate(stack.ops):
        for index, state in enumerate(states):
            values.alias(op, _row(values, op, state, place, index), index + 1)


def _row(values: Values, op: RecurrentOp, state: Node, place: int, index: int) -> Node:
    result = op.results[index + 1]
    if op.mask_values is None:
        return values.add(Kind.VIEW, [state], lambda x: name(f"{x[0]}[{place}]"), shape_of(result.type))
    start = op.states[index]
    first = [] if is_zero(start) else [values.at(start, natural(start))]

    def render(x: Sequence[Expression]) -> Expression:
        counts = method(name(str(x[1])), "any", dim=1, keepdim=True)
        return call("torch.where", counts, name(f"{x[0]}[{place}]"), x[2] if first else 0)

    return values.add(Kind.OTHER, [state, values.at(op.mask_values, (1, 0)), *first], render, shape_of(result.type))


# -- step by step ------------------------------------------------------------------------------------------------------


def _written(values: Values, op: RecurrentOp) -> None:
    """`y, h, c = lstm(x, h, c, kernel, recurrent, bias, mask)`."""
    if op.literal("dropout") or op.literal("recurrent_dropout"):
        values.refuse(op, "torch drops nothing inside of a recurrent layer")
        return
    function, x = op.name.removeprefix("graph."), values.at(op.operands[0], (0, 1, 2))
    values.helpers.add(function)
    states = [_start(values, x, 1, state, op) for state in op.states]
    nodes = [x, *states, *(values.at(value, natural(value)) for value in op.operands[1:4])]
    optional = {"mask": op.mask_values, "peepholes": op.peepholes if isinstance(op, LstmOp) else None}
    given = {key: value for key, value in optional.items() if value is not None}
    first = len(nodes)
    nodes += [values.at(value, natural(value)) for value in given.values()]
    options = _options_of(values, op)

    def render(x: Sequence[Expression]) -> Expression:
        named: dict[str, Value] = dict(zip(given, x[first:], strict=True))
        masks = [named.pop("mask")] if "mask" in named else []
        return call(function, *x[:first], *masks, **named, **options)

    made = values.add(Kind.CALL, nodes, render, ())
    for index, result in enumerate(op.results):
        values.alias(op, _back(values, op, _item(values, made, made, shape_of(result.type)), index), index)


def _back(values: Values, op: RecurrentOp, made: Node, index: int) -> Node:
    """Outputs in the order of axes that the layouts have for them."""
    order = values.layouts.orders[op.results[index]]
    if order == natural(op.results[index]):
        return made
    return values.add(Kind.PERMUTE, [made], lambda x: values.form.permuted(x[0], order), permuted(made.shape, order))


def _start(values: Values, x: Node, axis: int, state: SSAValue, op: RecurrentOp) -> Node:
    """A state that begins with zeros, of a batch that only a run knows."""
    if not is_zero(state):
        return values.at(state, natural(state))
    units = op.units
    return values.add(
        Kind.OTHER, [x], lambda x: method(x[0], "new_zeros", name(f"{x[0]}.shape[{axis}]"), units), shape_of(state.type)
    )


def _options_of(values: Values, op: RecurrentOp) -> dict[str, Value]:
    options: dict[str, Value] = {}
    if isinstance(op, LstmOp) and op.literal("input_forget"):
        options["coupled"] = True
    if isinstance(op, GruOp) and op.literal("reset_after"):
        options["reset_after"] = True
    if op.literal("reverse"):
        options["reverse"] = True
    for role, activation in zip(ROLES[type(op)], op.functions, strict=True):
        clip = op.literal("clip")
        if activation.name != ("sigmoid" if role == "sigmoid" else "tanh") or clip:
            options[role] = name(_function(values, activation, clip))
    return options


def _function(values: Values, activation: Activation, clip: float) -> str:
    function = FUNCTIONS[activation.name].format(*map(literal, activation.numbers))
    if not clip:
        return function
    values.helpers.add("clipped")
    return f"clipped({function}, {clip!r})"


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GruOp: _recurrent,
    LstmOp: _recurrent,
    RnnOp: _recurrent,
}
