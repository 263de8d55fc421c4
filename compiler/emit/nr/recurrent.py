"""Recurrent layers: LSTM, GRU and SimpleRNN where Keras has what the op says, a formula of the op elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import Activation, RecurrentOp, parse_activations
from neuralc.dialects.types import shape_of
from neuralc.emit.nr.body import Body
from neuralc.emit.nr.expressions import function
from neuralc.emit.nr.graph_ops import as_function
from neuralc.emit.nr.values import Held, Number, Value
from neuralc.emit.nr.views import transposed
from neuralc.frontends.nr.layers.cells import TEXTS

LAYERS: Mapping[type[RecurrentOp], tuple[str, tuple[str, ...]]] = {
    graph.LstmOp: ("LSTM", ("recurrent_activation", "activation", "activation")),
    graph.GruOp: ("GRU", ("recurrent_activation", "activation")),
    graph.RnnOp: ("SimpleRNN", ("activation",)),
}
"""The layer of each op, and which argument is each of its activations."""

FUNCTIONS: Mapping[Activation, str] = {
    parse_activations(text, 1)[0]: "linear" if name is None else name for name, text in TEXTS.items()
}


def recurrent(body: Body, op: RecurrentOp) -> Value | Sequence[Value]:
    arguments = _arguments(body, op)
    if arguments is None:
        return as_function(body, op)
    x, kernel, recurrent_kernel = (body[operand] for operand in op.operands[:3])
    held = {"kernel": kernel, "recurrent_kernel": recurrent_kernel}
    held |= dict(zip(("bias", "recurrent_bias"), _biases(body, op) or (), strict=False))
    named: dict[str, tuple[Value, ...]] = {}
    if op.mask_values is not None:
        named["mask"] = (transposed(body, body[op.mask_values], (1, 0)),)
    states = tuple(body[state] for state in op.states)
    if not _are_zeros(states):
        named["initial_state"] = tuple(map(body.tensor, states))
    return _results(body, op, transposed(body, x, (1, 0, 2)), arguments, held, named)


def _arguments(body: Body, op: RecurrentOp) -> dict[str, Any] | None:
    """The arguments of the layer; None where no layer does the same."""
    parameters = LAYERS[type(op)][1]
    weights, biases = [body[operand] for operand in op.operands[1:3]], _biases(body, op)
    if not all(map(body.is_held, weights)) or biases is None:
        return None
    states = tuple(body[state] for state in op.states)
    if op.literal("clip") or getattr(op, "peepholes", None) is not None or _has(op, "input_forget"):
        return None
    if op.mask_values is not None and not _are_zeros(states):
        return None  # Keras gives 0 before the first step that counts, the op the state that it has
    found = [FUNCTIONS.get(each) for each in op.functions]
    if None in found or len(set(found[1:])) > 1:
        return None
    arguments: dict[str, Any] = {"units": op.units, **dict(zip(parameters, found, strict=True))}
    if isinstance(op, graph.GruOp):
        rows = 2 if op.literal("reset_after") else 1
        if any(len(bias.shape) != rows for bias in biases) or len(biases) > 1:
            return None
        arguments["reset_after"] = bool(op.literal("reset_after"))
    else:
        arguments["recurrent_bias"] = len(biases) == 2
    arguments |= {"use_bias": bool(biases), "go_backwards": bool(op.literal("reverse"))}
    if op.literal("dropout"):
        arguments |= {"dropout": op.literal("dropout"), "implementation": 1}
    if op.literal("recurrent_dropout"):
        arguments["recurrent_dropout"] = op.literal("recurrent_dropout")
    return arguments | ({"seed": op.literal("seed")} if "seed" in op.properties else {})


def _biases(body: Body, op: RecurrentOp) -> Sequence[Value] | None:
    """The bias, the two of which it is the sum, or none; None where no layer holds it."""
    bias = body[op.operands[3]]
    if isinstance(bias.source, Number) and bias.source.value == 0:
        return ()
    owner = op.operands[3].owner
    summands = owner.operands if isinstance(owner, graph.AddOp) else op.operands[3:4]
    found = [body[each] for each in summands]
    return found if all(body.is_held(each) and each.shape == bias.shape for each in found) else None


def _has(op: RecurrentOp, name: str) -> bool:
    return name in op.properties and bool(op.literal(name))


def level_path(op: Operation, weights: Mapping[str, Value]) -> str | None:
    """`rnn.l0` of `rnn.weight_ih_l0`, ..: a layer of PyTorch that stands for several, one above the other."""
    symbols = [
        symbol
        for value in weights.values() if isinstance(value.source, Held)
        for symbol in value.source.origin.symbols
    ]  # fmt: skip
    places = {(found[1], found[2]) if (found := _LEVEL.fullmatch(symbol)) else None for symbol in symbols}
    place = places.pop() if len(places) == 1 else None
    block = op.parent_block()
    if place is None or block is None:
        return None
    stem, level = place
    others = {read.weight_name for read in block.ops if isinstance(read, graph.GetWeightOp)}
    others |= {argument.name_hint or "" for argument in block.args}
    return f"{stem}.l{level}" if f"{stem}.weight_ih_l1" in others else None


_LEVEL = re.compile(r"(.+)\.(?:weight|bias)_[ih]h_l(\d+)(?:_reverse)?")


def _are_zeros(states: Sequence[Value]) -> bool:
    return all(isinstance(state.source, Number) and state.source.value == 0 for state in states)


def _results(
    body: Body,
    op: RecurrentOp,
    x: Value,
    arguments: Mapping[str, Any],
    held: Mapping[str, Value],
    named: Mapping[str, tuple[Value, ...]],
) -> Sequence[Value]:
    """The layer, which gives no more than the graph uses: all outputs or the last one, and states."""
    y, *states = op.results
    sequences = bool(y.uses)
    state = any(each.uses for each in (states if sequences else states[1:]))
    time, batch, units = shape_of(y.type)
    last = [((batch, units), x.element)] * len(states)
    first = ((batch, time, units), x.element) if sequences else last[0]
    made = body.layers(
        LAYERS[type(op)][0],
        (x,),
        [first, *(last if state else [])],
        {**arguments, "return_sequences": sequences, "return_state": state},
        held,
        named=named,
        path=level_path(op, held),
    )
    ends = list(made[1:]) if state else [made[0]] * len(states)
    if not sequences:
        return [made[0], *ends]
    steps = made[0]
    if op.literal("reverse"):
        steps = body.formula([steps], lambda e: function("flip", e[0], "axis=1"), steps.shape, steps.element)
    return [transposed(body, steps, (1, 0, 2)), *ends]


LOWERINGS: Mapping[type[Operation], Callable[..., Any]] = dict.fromkeys(LAYERS, recurrent)
