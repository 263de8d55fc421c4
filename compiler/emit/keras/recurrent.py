"""Recurrent ops that are layers of Keras: LSTM, GRU and SimpleRNN, and two of them that are a Bidirectional.

Keras has the gates, the order of the weights and the meaning of masks that the graph level has. Two ops of one kind
over the same sequence, one of them from its end, joined along their features, are one Bidirectional layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import ConcatOp, ConstantOp, GruOp, LstmOp, ReshapeOp, RnnOp, TransposeOp, WhereOp
from neuralc.dialects.graph.recurrent import Activation, RecurrentOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Value, call
from neuralc.emit.python.plan import LayerSpec, Parameter

CLASSES: Mapping[type[Operation], str] = {LstmOp: "LSTM", GruOp: "GRU", RnnOp: "SimpleRNN"}
CELLS: Mapping[type[Operation], str] = {LstmOp: "lstm_cell", GruOp: "gru_cell", RnnOp: "simple_rnn_cell"}

ACTIVATIONS: Mapping[Activation, str] = {
    Activation("elu", (1.0,)): "elu",
    Activation("exp"): "exponential",
    Activation("gelu"): "gelu",
    Activation("hard_sigmoid", (1 / 6, 0.5)): "hard_sigmoid",
    Activation("identity"): "linear",
    Activation("leaky_relu", (0.2,)): "leaky_relu",
    Activation("relu"): "relu",
    Activation("selu"): "selu",
    Activation("sigmoid"): "sigmoid",
    Activation("silu"): "silu",
    Activation("softplus"): "softplus",
    Activation("softsign"): "softsign",
    Activation("tanh"): "tanh",
}
"""Activations of gates by the names that Keras knows them by."""


@dataclass(frozen=True)
class Pair:
    """Two directions of one layer, and the op that joins what they give."""

    forward: RecurrentOp
    backward: RecurrentOp
    joined: ConcatOp
    index: int
    """Which result of both is joined: 0, the outputs of all times; 1, the last one."""


def zero(value: SSAValue | None) -> bool:
    """True for a constant that is 0."""
    return value is not None and isinstance(value.owner, ConstantOp) and value.owner.literal("value") == 0


def pair_of(op: Operation) -> Pair | None:
    """The two directions that an op is one of, or joins."""
    if isinstance(op, ConcatOp):
        return _joined(op)
    if not isinstance(op, RecurrentOp):
        return None
    found = {id(pair.joined): pair for pair in map(_joined, _joins(op)) if pair and op in (pair.forward, pair.backward)}
    return next(iter(found.values()), None)


def _joins(op: RecurrentOp) -> list[ConcatOp]:
    """Concats that read a result, as it is or with zeros at times that do not count."""
    users = [use.operation for result in op.results for use in result.uses]
    users += [use.operation for user in users if isinstance(user, WhereOp) for use in user.results[0].uses]
    return [user for user in users if isinstance(user, ConcatOp)]


def _joined(op: ConcatOp) -> Pair | None:
    if len(op.operands) != 2 or normalize_axis(op.literal("axis"), len(shape_of(op.result.type))) != _features(op):
        return None
    sides = [_direction(value) for value in op.operands]
    if None in sides:
        return None
    (forward, index, masked), (backward, other, also) = (side for side in sides if side is not None)
    alike = type(forward) is type(backward) and (index, masked) == (other, also) and index < 2
    if not alike or forward.literal("reverse") or not backward.literal("reverse"):
        return None
    pair = Pair(forward, backward, op, index)
    # A layer of both directions puts zeros where the mask is false, and gives nothing but what it joins.
    needs_zeros = index == 0 and forward.mask_values is not None
    return pair if masked == needs_zeros and _is_one_layer(pair) else None


def _features(op: ConcatOp) -> int:
    return len(shape_of(op.result.type)) - 1


def _direction(value: SSAValue) -> tuple[RecurrentOp, int, bool] | None:
    """The op that makes a value, which result of it that is, and whether zeros stand where its mask is false."""
    masked = isinstance(value.owner, WhereOp)
    if isinstance(value.owner, WhereOp):
        condition, value, other = value.owner.operands
        counts = condition.owner.operands[0] if isinstance(condition.owner, ReshapeOp) else None
        source = value.owner
        if not zero(other) or not isinstance(source, RecurrentOp) or counts is not source.mask_values:
            return None
    owner = value.owner
    if not isinstance(owner, RecurrentOp) or not value.has_one_use():
        return None
    return owner, [result is value for result in owner.results].index(True), masked


def _is_one_layer(pair: Pair) -> bool:
    one, other = pair.forward, pair.backward
    unlike = {"reverse", "seed"}
    same = {name: value for name, value in one.literals().items() if name not in unlike}
    used = [sum(result.uses.get_length() for result in op.results) for op in (one, other)]
    return (
        same == {name: value for name, value in other.literals().items() if name not in unlike}
        and one.operands[0] is other.operands[0]
        and one.mask_values is other.mask_values
        and one.units == other.units
        and used == [1, 1]
        and zero(one.operands[3]) == zero(other.operands[3])
        and all(map(zero, (*one.states, *other.states)))
        and _layer_options(one) is not None
        and _layer_options(other) is not None
    )


def _layer_options(op: RecurrentOp) -> dict[str, Value] | None:
    """The arguments of a layer beside those of what it gives back; None for what Keras has no layer of."""
    functions = [ACTIVATIONS.get(function) for function in op.functions]
    if op.literal("clip") or None in functions:
        return None
    if op.mask_values is not None and not zero(op.states[0]):
        return None  # before the first time that counts a layer gives 0, and not the state that it began with
    options: dict[str, Value] = {}
    if isinstance(op, LstmOp) and (op.peepholes or op.literal("input_forget") or functions[1] != functions[2]):
        return None
    if isinstance(op, GruOp):
        rows = len(shape_of(op.bias.type))
        if op.literal("reset_after") != (rows == 2) and not zero(op.bias):
            return None
    if (activation := functions[0 if isinstance(op, RnnOp) else 1]) != "tanh":
        options["activation"] = activation
    if not isinstance(op, RnnOp) and functions[0] != "sigmoid":
        options["recurrent_activation"] = functions[0]
    if zero(op.operands[3]):
        options["use_bias"] = False
    if isinstance(op, GruOp) and not op.literal("reset_after"):
        options["reset_after"] = False
    options |= {name: op.literal(name) for name in ("dropout", "recurrent_dropout") if op.literal(name)}
    if "seed" in op.properties:
        options["seed"] = op.literal("seed")
    name = numpy_dtype(element_of(op.operands[0].type)).name
    return options if name == "float32" else {**options, "dtype": name}


def _weights(op: RecurrentOp, prefix: str) -> tuple[Parameter, ...]:
    given = {"kernel": op.operands[1], "recurrent_kernel": op.operands[2]}
    if not zero(op.operands[3]):
        given["bias"] = op.operands[3]
    return tuple(_held(f"{prefix}{CELLS[type(op)]}/{name}", value) for name, value in given.items())


def _held(name: str, value: SSAValue) -> Parameter:
    source = value.owner
    if isinstance(source, TransposeOp):
        return Parameter(name, source.operands[0], tuple(source.literal("perm")))
    return Parameter(name, value, natural(value))


def gives(op: RecurrentOp) -> tuple[bool, bool]:
    """Whether the layer returns its outputs at all times, and its states beside its output."""
    used = [bool(result.uses) for result in op.results]
    return used[0], any(used[2:]) or (used[0] and used[1])


def _recurrent(op: RecurrentOp) -> LayerSpec | None:
    options = _layer_options(op)
    if options is None:
        return None
    pair = pair_of(op)
    sequences, states = gives(op) if pair is None else (pair.index == 0, False)
    returned: dict[str, Value] = {}
    if sequences:
        returned["return_sequences"] = True
    if states:
        returned["return_state"] = True
    name = CLASSES[type(op)]
    if pair is None:
        backwards: dict[str, Value] = {"go_backwards": True} if op.literal("reverse") else {}
        made = call(f"layers.{name}", op.units, **returned, **backwards, **options)
        return LayerSpec(name.lower(), made, _weights(op, ""))
    # The name of the layer inside is part of the paths of its weights.
    inside = call(f"layers.{name}", op.units, **returned, **options, name=name.lower())
    weights = tuple(
        held
        for direction, side in (("forward", pair.forward), ("backward", pair.backward))
        for held in _weights(side, f"{direction}_{name.lower()}/")
    )
    return LayerSpec("bidirectional", call("layers.Bidirectional", inside), weights)


RECURRENT: Mapping[type[Operation], Callable[[Any], LayerSpec | None]] = {
    GruOp: _recurrent,
    LstmOp: _recurrent,
    RnnOp: _recurrent,
}
