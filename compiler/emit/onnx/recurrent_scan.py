"""A recurrent layer as a Scan of its parts, for what the operators of ONNX do not say: masks, other activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.dialects.builtin import i1

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import Activation, RecurrentOp
from neuralc.dialects.types import Shape, element_of, shape_of
from neuralc.emit.onnx import activations
from neuralc.emit.onnx.subgraphs import graph as graph_of
from neuralc.emit.onnx.subgraphs import inside, own_result, port
from neuralc.emit.onnx.values import Values


def as_scan(values: Values, op: RecurrentOp) -> None:
    """x W + b is one product for all times; a step of the scan does the rest, and keeps what the mask leaves out."""
    x, kernel, recurrent, bias = (values.operand(op, index) for index in range(4))
    own = ""
    if len(shape_of(op.operands[3].type)) == 2:
        own, bias = (values("Squeeze", values.slice(bias, 0, i, i + 1), values.integers([0])) for i in (1, 0))
    projected = values("Add", values.carried("MatMul", x, kernel), bias)
    mask, element = op.mask_values, element_of(op.operands[0].type)
    states = [values.operand(op, 4 + i) for i in range(op.STATES)]
    scanned = [projected, *([values.operand(op, list(op.operands).index(mask))] if mask is not None else [])]
    step = _Step(values, inside(values), op, recurrent, own)
    state_shape = shape_of(op.states[0].type)
    wide: Shape = (state_shape[0], op.GATES * op.units)
    body = step.body
    before = [body.writer.claim("state") for _ in states]
    entry = body.writer.claim("entry")
    for name in (*before, entry):
        body.writer.scope.elements[name] = element
    inputs = [*(port(name, element, state_shape) for name in before), port(entry, element, wide)]
    following = step.of(entry, before)
    if mask is not None:
        counts = body.writer.claim("counts")
        body.writer.scope.elements[counts] = i1
        inputs.append(port(counts, i1, (state_shape[0],)))
        column = body.unsqueeze(counts, [1])
        following = [body.choose(column, new, old) for new, old in zip(following, before, strict=True)]
    ends = [own_result(body, name) for name in (*following, following[0])]
    outputs = [port(name, element, state_shape) for name in ends]
    flags: dict[str, Any] = {}
    if op.literal("reverse"):
        flags = {"scan_input_directions": [1] * len(scanned), "scan_output_directions": [1]}
    names = [values.result_name(result) for result in (*op.results[1:], op.results[0])]
    values.writer.node(
        "Scan",
        [*states, *scanned],
        [element] * len(names),
        names,
        body=graph_of(body, values.writer.label, inputs, outputs),
        num_scan_inputs=len(scanned),
        **flags,
    )
    for result, name in zip((*op.results[1:], op.results[0]), names, strict=True):
        values.names[result] = name


class _Step:
    """One step: the next states, the output first."""

    def __init__(self, outer: Values, body: Values, op: RecurrentOp, recurrent: str, own_bias: str) -> None:
        self.body = body
        self._op = op
        self._recurrent = recurrent
        self._own_bias = own_bias
        self._outer = outer

    def of(self, x: str, states: Sequence[str]) -> list[str]:
        match self._op:
            case graph.LstmOp():
                return self._lstm(self._op, x, states)
            case graph.GruOp():
                return self._gru(self._op, x, states[0])
            case _:
                total = self.body("Add", x, self.body.carried("MatMul", states[0], self._recurrent))
                return [self._apply(self._op.functions[0], total)]

    def _lstm(self, op: graph.LstmOp, x: str, states: Sequence[str]) -> list[str]:
        values, (f, g, h), (before, c) = self.body, op.functions, states
        total = values("Add", x, values.carried("MatMul", before, self._recurrent))
        i, forget, cell, o = (self._gate(total, index, 1) for index in range(4))
        peeps = ["", "", ""]
        if op.peepholes is not None:
            given = self._outer.operand(op, list(op.operands).index(op.peepholes))
            peeps = [values.slice(given, 0, n * op.units, (n + 1) * op.units) for n in range(3)]
        i = self._apply(f, self._peep(i, peeps[0], c))
        kept = (
            values("Sub", values.like(1, i), i)
            if op.literal("input_forget")
            else self._apply(f, self._peep(forget, peeps[1], c))
        )
        c = values("Add", values("Mul", kept, c), values("Mul", i, self._apply(g, cell)))
        return [values("Mul", self._apply(f, self._peep(o, peeps[2], c)), self._apply(h, c)), c]

    def _peep(self, gate: str, weights: str, c: str) -> str:
        return self.body("Add", gate, self.body("Mul", weights, c)) if weights else gate

    def _gru(self, op: graph.GruOp, x: str, h: str) -> list[str]:
        values, (f, g), units = self.body, op.functions, op.units
        both = self._product(h, 0, 2 * units)
        if self._own_bias:
            both = values("Add", both, values.slice(self._own_bias, 0, 0, 2 * units))
        gates = self._apply(f, values("Add", self._gate(x, 0, 2), both))
        z, r = self._gate(gates, 0, 1), self._gate(gates, 1, 1)
        if op.literal("reset_after"):
            new = values("Mul", r, self._biased(self._product(h, 2 * units, 3 * units)))
        else:
            new = self._biased(self._product(values("Mul", r, h), 2 * units, 3 * units))
        n = self._apply(g, values("Add", self._gate(x, 2, 1), new))
        kept = values("Mul", values("Sub", values.like(1, z), z), n)
        return [values("Add", values("Mul", z, h), kept)]

    def _product(self, h: str, start: int, end: int) -> str:
        return self.body.carried("MatMul", h, self.body.slice(self._recurrent, 1, start, end))

    def _biased(self, x: str) -> str:
        units = self._op.units
        if not self._own_bias:
            return x
        return self.body("Add", x, self.body.slice(self._own_bias, 0, 2 * units, 3 * units))

    def _gate(self, total: str, index: int, count: int) -> str:
        units = self._op.units
        return self.body.slice(total, 1, index * units, (index + count) * units)

    def _apply(self, function: Activation, x: str) -> str:
        clip = self._op.literal("clip")
        if clip:
            x = self.body.carried("Clip", x, self.body.like(-clip, x), self.body.like(clip, x))
        return activations.apply(self.body, function, x)
