"""graph.lstm, gru and rnn as nn.LSTM, nn.GRU and nn.RNN: where their parameters come from.

| torch           | ours                                                                                        |
|-----------------|---------------------------------------------------------------------------------------------|
| weight_ih_l0    | kernel [in, gates * units], transposed; the gates of a GRU are r, z, n there                |
| weight_hh_l0    | recurrent [units, gates * units], likewise                                                  |
| bias_ih_l0, bias_hh_l0 | the bias, and zeros that are not trained; two weights that are added; rows of a GRU's bias |

The parameters of the level above end in `l1`, those of the direction from the end in `_reverse`.
"""

from __future__ import annotations

import numpy as np
from xdsl.ir import Block, SSAValue

from neuralc.dialects.graph import AddOp, GetWeightOp, GruOp, LstmOp, RnnOp
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import Order
from neuralc.emit.placements import Neutral
from neuralc.emit.python.expressions import Value, call
from neuralc.emit.python.plan import LayerSpec, Parameter, sizes_of
from neuralc.emit.refusals import Refusals
from neuralc.emit.torch.recurrent_stacks import Stack, is_zero, stack_of

_CLASSES: dict[type[RecurrentOp], str] = {LstmOp: "nn.LSTM", GruOp: "nn.GRU", RnnOp: "nn.RNN"}
_FUNCTIONS: dict[type[RecurrentOp], tuple[tuple[str, ...], ...]] = {
    LstmOp: (("sigmoid", "tanh", "tanh"),),
    GruOp: (("sigmoid", "tanh"),),
    RnnOp: (("tanh",), ("relu",)),
}
"""The activations that torch's layers have."""
GATES: dict[type[RecurrentOp], Order] = {LstmOp: (), GruOp: (1, 0, 2), RnnOp: ()}
"""Where torch's gates stand among ours, where that is another place."""


def recurrent_layer(op: RecurrentOp, refusals: Refusals) -> LayerSpec | None:
    """The layer; None where torch has none that computes the same."""
    stack = stack_of(op)
    if stack is None or not is_layer(stack):
        return None
    depth, units = sizes_of(stack.first.operands[1])[0], op.units
    options = _options(stack)
    held, neutral = list[Parameter](), list[Neutral]()
    for level, both in enumerate(stack.levels):
        for direction, each in enumerate(both.ops):
            end = f"_l{level}" + ("_reverse" if direction else "")
            held += _matrices(each, end)
            biases = [] if "bias" in options else _biases(each, end)
            held += biases
            neutral += [_second_bias(each, end)] if len(biases) == 1 else []
    constructor = call(_CLASSES[type(op)], depth, units, **options)
    return LayerSpec(op.name.partition(".")[2], constructor, tuple(held), tuple(neutral), optional=True)


def is_layer(stack: Stack) -> bool:
    """Whether torch has a layer that computes the same, of weights of the model."""
    return all(map(_has_layer, stack.ops)) and all(
        isinstance(weight.owner, GetWeightOp | Block) or is_zero(weight)
        for op in stack.ops
        for value in op.operands[1:4]
        for weight in _summands(value)
    )


def _has_layer(op: RecurrentOp) -> bool:
    names = tuple(function.name for function in op.functions)
    plain = not any(op.literal(name) for name in ("clip", "dropout", "recurrent_dropout"))
    if isinstance(op, LstmOp) and (op.peepholes is not None or op.literal("input_forget")):
        return False
    if isinstance(op, GruOp) and not op.literal("reset_after"):
        return False
    return plain and names in _FUNCTIONS[type(op)]


def _options(stack: Stack) -> dict[str, Value]:
    op, options = stack.first, dict[str, Value]()
    if isinstance(op, RnnOp) and op.functions[0].name == "relu":
        options["nonlinearity"] = "relu"
    if len(stack.levels) > 1:
        options["num_layers"] = len(stack.levels)
    if is_zero(op.operands[3]):
        options["bias"] = False
    if stack.batch_first:
        options["batch_first"] = True
    if stack.dropout:
        options["dropout"] = stack.dropout
    if stack.bidirectional:
        options["bidirectional"] = True
    return options


def _matrices(op: RecurrentOp, end: str) -> list[Parameter]:
    """[in, gates * units] as torch's [gates * units, in]."""
    given = {f"weight_ih{end}": op.operands[1], f"weight_hh{end}": op.operands[2]}
    return [Parameter(name, value, (1, 0), gates=GATES[type(op)]) for name, value in given.items()]


def _biases(op: RecurrentOp, end: str) -> list[Parameter]:
    """One, where the model has one for both parts."""
    bias, gates = op.operands[3], GATES[type(op)]
    names = (f"bias_ih{end}", f"bias_hh{end}")
    if len(shape_of(bias.type)) == 2:
        return [Parameter(name, bias, (0,), gates=gates, row=row) for row, name in enumerate(names)]
    values = _summands(bias)
    return [Parameter(name, value, (0,), gates=gates) for name, value in zip(names, values, strict=False)]


def _second_bias(op: RecurrentOp, end: str) -> Neutral:
    """What training makes of it is part of the first one, but not in the last gate of a GRU: `r * (h W + bias_hh)`."""
    size = sizes_of(op.operands[1])[1]
    added = size - op.units if isinstance(op, GruOp) else size
    return Neutral(f"bias_hh{end}", (size,), 0.0, np.dtype(np.float32), into=f"bias_ih{end}", added=added)


def _summands(bias: SSAValue) -> tuple[SSAValue, ...]:
    owner = bias.owner
    if isinstance(owner, AddOp) and all(sizes_of(value) == sizes_of(bias) for value in owner.operands):
        return owner.operands[0], owner.operands[1]
    return (bias,)
