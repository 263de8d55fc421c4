"""Recurrent layers. A graph op is one direction: a bidirectional layer is two, stacked.

ONNX holds kernels as [directions, gates * units, in], the graph as [in, gates * units]; gates change their order where
the two differ. With `layout` 1 the batch comes before the time, in all operands and results. Lengths of sequences
become a mask; outputs behind the end of a sequence are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import i64

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import PARAMETERS, RecurrentOp
from neuralc.dialects.types import ShapeError
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.sizes import Size
from neuralc.frontends.values import Value

ACTIVATIONS = {
    "Affine": "affine", "Elu": "elu", "HardSigmoid": "hard_sigmoid", "LeakyRelu": "leaky_relu", "Relu": "relu",
    "ScaledTanh": "scaled_tanh", "Sigmoid": "sigmoid", "Softplus": "softplus", "Softsign": "softsign", "Tanh": "tanh",
    "ThresholdedRelu": "thresholded_relu",
}  # fmt: skip
"""Names of activations, without regard to case as onnxruntime reads them."""

HELPERS = (
    "graph.concat", "graph.reshape", "graph.slice", "graph.transpose", "graph.cast", "graph.add", "graph.iota",
    "graph.less", "graph.where",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """What tells the three operators apart."""

    op: type[RecurrentOp]
    order: tuple[int, ...]
    """Which of ONNX' gates stands at each place of the graph's."""
    defaults: tuple[str, ...]

    @property
    def gates(self) -> int:
        return len(self.order)


LSTM = Cell(graph.LstmOp, (0, 2, 3, 1), ("Sigmoid", "Tanh", "Tanh"))
GRU = Cell(graph.GruOp, (0, 1, 2), ("Sigmoid", "Tanh"))
RNN = Cell(graph.RnnOp, (0,), ("Tanh",))


@onnx_op("LSTM", makes=("graph.lstm", *HELPERS), unread=("hidden_size", "output_sequence"))
def lstm(node: Node) -> list[Value]:
    layer = _Layer(node, LSTM)
    peepholes = node.optional(7)
    coupled = bool(node.integer("input_forget", 0))

    def build(way: int) -> tuple[Value, ...]:
        states = [layer.state(5, way), layer.state(6, way)]
        rest = layer.masks()
        if peepholes is not None:  # i, o, f there; i, f, o here
            rest.append(layer.gates(layer.of_way(peepholes, way), (0, 2, 1), 3))
        return layer.emit(way, [layer.summed_bias(way), *states, *rest], input_forget=coupled)

    return layer.results(build)


@onnx_op("GRU", makes=("graph.gru", *HELPERS), unread=("hidden_size", "output_sequence"))
def gru(node: Node) -> list[Value]:
    layer = _Layer(node, GRU)
    after = bool(node.integer("linear_before_reset", 0))

    def build(way: int) -> tuple[Value, ...]:
        bias = layer.two_biases(way) if after else layer.summed_bias(way)
        return layer.emit(way, [bias, layer.state(5, way), *layer.masks()], reset_after=after)

    return layer.results(build)


@onnx_op("RNN", makes=("graph.rnn", *HELPERS), unread=("hidden_size", "output_sequence"))
def rnn(node: Node) -> list[Value]:
    layer = _Layer(node, RNN)
    return layer.results(lambda way: layer.emit(way, [layer.summed_bias(way), layer.state(5, way), *layer.masks()]))


class _Layer:
    """One node: its operands a direction, in the graph's order."""

    def __init__(self, node: Node, cell: Cell) -> None:
        self._node = node
        self._cell = cell
        direction = node.string("direction", "forward")
        known = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
        if direction not in known:
            raise ShapeError(f"direction is `{direction}`")
        self._ways = known[direction]
        self._batch_first = bool(node.integer("layout", 0))
        x, self._kernels, self._recurrents = node.input(0), node.input(1), node.input(2)
        if x.rank != 3 or self._kernels.rank != 3 or self._recurrents.rank != 3:
            raise ShapeError(f"{node.op} takes operands of three dims")
        self._x = node.transpose(x, (1, 0, 2)) if self._batch_first else x
        self._batch = self._x.shape[1]
        ways, width, units = self._recurrents.shape
        if ways != len(self._ways) or not isinstance(units, int) or width != units * cell.gates:
            raise ShapeError(f"the recurrent kernel is {self._recurrents.type} for {len(self._ways)} directions")
        self._units = units
        self._activations = _activations(node, cell, len(self._ways))
        self._clip = node.real("clip", 0.0)
        self._mask = self._counts()

    # --- operands ------------------------------------------------------------------------------------------------
    def of_way(self, x: Value, way: int) -> Value:
        """The part of an operand [directions, ..] for one of them."""
        return self._node.reshape(self._node.pick(x, 0, way, 1), x.shape[1:])

    def gates(self, x: Value, order: Sequence[int], count: int) -> Value:
        """The gates along the first dim, in another order."""
        if list(order) == list(range(count)):
            return x
        parts = [self._node.pick(x, 0, gate * self._units, self._units) for gate in order]
        return self._node.concat(parts, 0)

    def _kernel(self, x: Value, way: int) -> Value:
        ordered = self.gates(self.of_way(x, way), self._cell.order, self._cell.gates)
        return self._node.transpose(ordered, (1, 0))

    def _biases(self, way: int) -> tuple[Value, Value] | None:
        """For the input, and for the recurrent part."""
        bias, width = self._node.optional(3), self._cell.gates * self._units
        if bias is None:
            return None
        both = self.of_way(bias, way)
        if both.shape != (2 * width,):
            raise ShapeError(f"the bias is {bias.type}, {self._node.op} takes {2 * width} values a direction")
        halves = [self._node.pick(both, 0, start, width) for start in (0, width)]
        first, second = (self.gates(half, self._cell.order, self._cell.gates) for half in halves)
        return first, second

    def summed_bias(self, way: int) -> Value:
        biases = self._biases(way)
        return self._zeros((self._cell.gates * self._units,)) if biases is None else self._node.add(*biases)

    def two_biases(self, way: int) -> Value:
        width = self._cell.gates * self._units
        biases = self._biases(way)
        if biases is None:
            return self._zeros((2, width))
        return self._node.concat([self._node.reshape(bias, (1, width)) for bias in biases], 0)

    def state(self, index: int, way: int) -> Value:
        """A first state; without one it is 0."""
        given = self._node.optional(index)
        if given is None:
            return self._zeros((self._batch, self._units))
        if given.rank != 3:
            raise ShapeError(f"a first state is {given.type}, it has three dims")
        return self.of_way(self._node.transpose(given, (1, 0, 2)) if self._batch_first else given, way)

    def masks(self) -> list[Value]:
        """The times of each sequence that count: [time, batch], where lengths are given."""
        return [] if self._mask is None else [self._mask]

    def _counts(self) -> Value | None:
        node, given, time = self._node, self._node.optional(4), self._x.shape[0]
        if given is None:
            return None
        if given.shape != (self._batch,):
            raise ShapeError(f"the lengths are {given.type} for a batch of {self._batch}")
        lengths = node.cast(given, i64)
        return node.emit(graph.LessOp, node.along(node.iota(time), 0, 2), node.along(lengths, 1, 2))

    def _zeros(self, shape: Sequence[Size]) -> Value:
        return self._node.fill(0, shape, self._x.element)

    # --- results -------------------------------------------------------------------------------------------------
    def emit(self, way: int, operands: Sequence[Value], **properties: Any) -> tuple[Value, ...]:
        """The op of one direction; `operands` are those behind the kernels."""
        y, *states = self._node.emit_several(
            self._cell.op, self._x, self._kernel(self._kernels, way), self._kernel(self._recurrents, way), *operands,
            reverse=self._ways[way], activations=self._activations[way], clip=self._clip, **properties,
        )  # fmt: skip
        if self._mask is not None:
            counts = self._node.reshape(self._mask, (*self._mask.shape, 1))
            y = self._node.emit(graph.WhereOp, counts, y, self._node.fill(0, (), y.element))
        return (y, *states)

    def results(self, build: Any) -> list[Value]:
        """Outputs [time, directions, batch, units] and states [directions, batch, units], or with the batch first."""
        outputs, *states = zip(*(build(way) for way in range(len(self._ways))), strict=True)
        y = self._stacked(outputs, 1)
        stacked = [self._stacked(state, 0) for state in states]
        if self._batch_first:
            y = self._node.transpose(y, (2, 0, 1, 3))
            stacked = [self._node.transpose(state, (1, 0, 2)) for state in stacked]
        return [y, *stacked]

    def _stacked(self, values: Sequence[Value], axis: int) -> Value:
        shapes = [(*value.shape[:axis], 1, *value.shape[axis:]) for value in values]
        parts = [self._node.reshape(value, shape) for value, shape in zip(values, shapes, strict=True)]
        return self._node.concat(parts, axis)


def _activations(node: Node, cell: Cell, ways: int) -> list[str]:
    """The activations of each direction as the graph writes them. Alphas and betas go to those that have one.

    Raises ShapeError for a wrong number of them, Refused for an unknown one.
    """
    names = node.strings("activations", cell.defaults * ways)
    alphas, betas = list(node.reals("activation_alpha", ())), list(node.reals("activation_beta", ()))
    if len(names) != len(cell.defaults) * ways:
        raise ShapeError(f"{node.op} has {len(names)} activations for {ways} directions")
    known = {name.lower(): found for name, found in ACTIVATIONS.items()}
    texts: list[str] = []
    for name in names:
        found = known.get(name.lower())
        if found is None:
            node.refuse(f"with the activation {name}")
        defaults = PARAMETERS[found]
        numbers = [
            given.pop(0) if given else default for given, default in zip((alphas, betas), defaults, strict=False)
        ]
        texts.append(f"{found}({', '.join(map(repr, numbers))})" if numbers else found)
    count = len(cell.defaults)
    return [" ".join(texts[way * count : (way + 1) * count]) for way in range(ways)]
