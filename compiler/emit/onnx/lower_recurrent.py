"""LSTM, GRU and RNN: one direction, gates in the order of ONNX, lengths in the place of a mask.

The weights go through nodes that turn them round, since they are stored as the layer has them; engines fold those.
A mask that says no lengths, or an activation that ONNX does not have, makes the layer a Scan of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.onnx.recurrent_scan import as_scan
from neuralc.emit.onnx.values import Values, exact_attribute

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
    operands = [values.operand(op, index) for index in range(4)]
    x, kernel, recurrent, bias = operands
    order, units = ORDER[type(op)], op.units
    gates = len(order)
    w, r = (
        values.unsqueeze(_gates(values, values.transpose(k, (1, 0)), order, units), [0]) for k in (kernel, recurrent)
    )
    states = [values.unsqueeze(values.operand(op, 4 + i), [0]) for i in range(op.STATES)]
    inputs = [x, w, r, _bias(values, op, bias, order), "", *states]
    if isinstance(op, graph.LstmOp) and op.peepholes is not None:
        index = list(op.operands).index(op.peepholes)
        inputs.append(values.unsqueeze(_gates(values, values.operand(op, index), (0, 2, 1), units), [0]))
    outputs = [values.writer.claim(f"{values.writer.label}/{OPERATOR[type(op)]}") for _ in op.results]
    element = element_of(op.operands[0].type)
    values.writer.node(
        OPERATOR[type(op)], inputs, [element] * len(outputs), outputs, hidden_size=units, **_attributes(op)
    )
    assert gates == op.GATES, "each gate has a place"
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


def _gates(values: Values, x: str, order: Sequence[int], units: int) -> str:
    """The gates along the first dim in another order."""
    if list(order) == sorted(order):
        return x
    parts = [values.slice(x, 0, gate * units, (gate + 1) * units) for gate in order]
    return values("Concat", *parts, axis=0)


def _bias(values: Values, op: RecurrentOp, bias: str, order: Sequence[int]) -> str:
    """[1, 2 * gates * units]: for the input, then for the recurrent part, which is 0 where there is one bias."""
    width = len(order) * op.units
    if len(shape_of(op.operands[3].type)) == 2:
        rows = [values("Squeeze", values.slice(bias, 0, i, i + 1), values.integers([0])) for i in range(2)]
    else:
        zeros = values("Expand", values.like(0, bias), values.integers([width]))
        rows = [bias, zeros]
    ordered = [_gates(values, rows[0], order, op.units)]
    ordered.append(rows[1] if len(shape_of(op.operands[3].type)) == 1 else _gates(values, rows[1], order, op.units))
    return values.unsqueeze(values("Concat", *ordered, axis=0), [0])


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
