"""LSTM, GRU and RNN: one direction, gates in the order of ONNX, lengths in the place of a mask.

Weights are stored as the operator has them; in a function nodes turn them round, which engines fold. A mask that says
no lengths, or an activation that ONNX does not have, makes the layer a Scan of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.onnx.recurrent_scan import as_scan
from neuralc.emit.onnx.values import Values, exact_attribute
from neuralc.emit.onnx.weights import Form

ACTIVATIONS: Mapping[str, str] = {
    "affine": "Affine", "elu": "Elu", "hard_sigmoid": "HardSigmoid", "leaky_relu": "LeakyRelu", "relu": "Relu",
    "scaled_tanh": "ScaledTanh", "sigmoid": "Sigmoid", "softplus": "Softplus", "softsign": "Softsign", "tanh": "Tanh",
    "thresholded_relu": "ThresholdedRelu",
}  # fmt: skip
"""Names that ONNX has."""

ORDER: Mapping[type[Operation], tuple[int, ...]] = {
    graph.LstmOp: (0, 3, 1, 2),
    graph.GruOp: (0, 1, 2),
    graph.RnnOp: (0,),
}
"""Which gate of the graph stands at each place of ONNX': input, output, forget, cell."""

OPERATOR: Mapping[type[Operation], str] = {graph.LstmOp: "LSTM", graph.GruOp: "GRU", graph.RnnOp: "RNN"}


def _recurrent(values: Values, op: RecurrentOp) -> None:
    if not _as_layer(op):
        as_scan(values, op)
        return
    order, units = ORDER[type(op)], op.units
    x, *weights = (values.operand(op, index) for index in range(4))
    stored = [values.stored(op.operands[index], form) for index, form in enumerate(_forms(op, order), 1)]
    turned = (_kernel, _kernel, _bias)
    w, r, bias = (
        kept or turn(values, op, weight, order) for kept, turn, weight in zip(stored, turned, weights, strict=True)
    )
    states = [values.unsqueeze(values.operand(op, 4 + i), [0]) for i in range(op.STATES)]
    inputs = [x, w, r, bias, "", *states]
    if isinstance(op, graph.LstmOp) and op.peepholes is not None:
        index = list(op.operands).index(op.peepholes)
        inputs.append(values.unsqueeze(_gates(values, values.operand(op, index), (0, 2, 1), units), [0]))
    outputs = [values.writer.claim(f"{values.writer.label}/{OPERATOR[type(op)]}") for _ in op.results]
    element = element_of(op.operands[0].type)
    values.writer.node(
        OPERATOR[type(op)], inputs, [element] * len(outputs), outputs, hidden_size=units, **_attributes(op)
    )
    values.define(op, "Squeeze", outputs[0], values.integers([1]))
    for index, output in enumerate(outputs[1:], 1):
        values.define(op, "Squeeze", output, values.integers([0]), index=index)


def _as_layer(op: RecurrentOp) -> bool:
    """Whether ONNX' operator says it: its activations, no mask, numbers that attributes hold."""
    numbers = [number for function in op.functions for number in function.numbers]
    return (
        all(function.name in ACTIVATIONS for function in op.functions)
        and op.mask_values is None
        and exact_attribute(element_of(op.operands[0].type), *numbers, op.literal("clip"))
    )


def _forms(op: RecurrentOp, order: Sequence[int]) -> tuple[Form, Form, Form]:
    """The kernels and the bias as the operator has them: [1, gates * units, ..], [1, 2 * gates * units]."""
    units, width = op.units, op.units * len(order)
    depth = int(str(shape_of(op.operands[1].type)[0]))

    def ordered(rows: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([rows[gate * units : (gate + 1) * units] for gate in order])

    def both(bias: NDArray[Any]) -> NDArray[Any]:
        rows = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        return np.concatenate([ordered(row) for row in rows])

    def turned(kernel: NDArray[Any]) -> NDArray[Any]:
        return ordered(kernel.T)

    return Form((1, width, depth), turned), Form((1, width, units), turned), Form((1, 2 * width), both)


def _kernel(values: Values, op: RecurrentOp, kernel: str, order: Sequence[int]) -> str:
    return values.unsqueeze(_gates(values, values.transpose(kernel, (1, 0)), order, op.units), [0])


def _gates(values: Values, x: str, order: Sequence[int], units: int) -> str:
    """The gates along the first dim in another order."""
    if list(order) == sorted(order):
        return x
    parts = [values.slice(x, 0, gate * units, (gate + 1) * units) for gate in order]
    return values("Concat", *parts, axis=0)


def _bias(values: Values, op: RecurrentOp, bias: str, order: Sequence[int]) -> str:
    """For the input, then for the recurrent part, which is 0 where there is one bias."""
    if len(shape_of(op.operands[3].type)) == 1:
        zeros = values("Expand", values.like(0, bias), values.integers([op.GATES * op.units]))
        rows = [_gates(values, bias, order, op.units), zeros]
    else:
        both = [values("Squeeze", values.slice(bias, 0, i, i + 1), values.integers([0])) for i in range(2)]
        rows = [_gates(values, row, order, op.units) for row in both]
    return values.unsqueeze(values("Concat", *rows, axis=0), [0])


def _attributes(op: RecurrentOp) -> dict[str, Any]:
    functions = op.functions
    attributes: dict[str, Any] = {"activations": [ACTIVATIONS[function.name] for function in functions]}
    alphas = [function.numbers[0] for function in functions if function.numbers]
    betas = [function.numbers[1] for function in functions if len(function.numbers) > 1]
    if alphas:
        attributes["activation_alpha"] = alphas
    if betas:
        attributes["activation_beta"] = betas
    if op.literal("clip"):
        attributes["clip"] = op.literal("clip")
    if op.literal("reverse"):
        attributes["direction"] = "reverse"
    if isinstance(op, graph.LstmOp) and op.literal("input_forget"):
        attributes["input_forget"] = 1
    if isinstance(op, graph.GruOp) and op.literal("reset_after"):
        attributes["linear_before_reset"] = 1
    return attributes


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    graph.GruOp: _recurrent,
    graph.LstmOp: _recurrent,
    graph.RnnOp: _recurrent,
}
