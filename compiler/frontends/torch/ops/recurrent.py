"""Recurrent layers: several of torch's, one above the other and in both directions, are one op here for each.

torch holds kernels as [gates * units, in], with two biases; its gates stand in the graph's order but for those of a
GRU, where reset and update change places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


@dataclass(frozen=True)
class Kind:
    """What tells the layers apart."""

    op: type[RecurrentOp]
    order: tuple[int, ...]
    """Which of torch's gates stands at each place of the graph's."""
    properties: tuple[tuple[str, Any], ...] = ()


LSTM = Kind(graph.LstmOp, (0, 1, 2, 3))
GRU = Kind(graph.GruOp, (1, 0, 2), (("reset_after", True),))
TANH = Kind(graph.RnnOp, (0,), (("activations", "tanh"),))
RELU = Kind(graph.RnnOp, (0,), (("activations", "relu"),))
KINDS = {"gru": GRU, "rnn_tanh": TANH, "rnn_relu": RELU}

HELPERS = ("graph.transpose", "graph.slice", "graph.reshape", "graph.concat", "graph.add", "graph.dropout")


@aten("lstm.input", makes=("graph.lstm", *HELPERS))
def lstm(
    node: Node,
    x: Value,
    hx: Sequence[Value],
    params: Sequence[Value],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Value]:
    """Results: outputs, the last h of each layer and direction, the last c."""
    stack = _Stack(node, LSTM, params, has_biases, num_layers, bidirectional, dropout, train)
    return stack.run(x, hx, batch_first)


@aten("gru.input", "rnn_tanh.input", "rnn_relu.input", makes=("graph.gru", "graph.rnn", *HELPERS))
def rnn(
    node: Node,
    x: Value,
    hx: Value,
    params: Sequence[Value],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Value]:
    stack = _Stack(node, KINDS[node.op], params, has_biases, num_layers, bidirectional, dropout, train)
    return stack.run(x, [hx], batch_first)


class _Stack:
    """Layers one above the other."""

    def __init__(
        self,
        node: Node,
        kind: Kind,
        params: Sequence[Value],
        biases: bool,
        layers: int,
        both_ways: bool,
        dropout: float,
        train: bool,
    ) -> None:
        if train and dropout:
            node.refuse("with dropout in training: call `eval()` first")
        self._node, self._kind, self._biases = node, kind, biases
        self._ways = (False, True) if both_ways else (False,)
        self._layers, self._dropout = layers, dropout
        self._params = params
        width = 4 if biases else 2
        if len(params) != width * layers * len(self._ways):
            node.refuse("with projections of its states")

    def run(self, x: Value, states: Sequence[Value], batch_first: bool) -> list[Value]:
        """x [time, batch, in], or with the batch first, or without a batch; states [layers * ways, batch, units]."""
        node, alone = self._node, x.rank == 2
        if alone:
            x = node.reshape(x, (x.shape[0], 1, x.shape[1]))
            states = [node.reshape(state, (state.shape[0], 1, state.shape[1])) for state in states]
        elif batch_first:
            x = node.transpose(x, (1, 0, 2))
        last: list[list[Value]] = [[] for _ in states]
        for layer in range(self._layers):
            if layer and self._dropout:
                x = node.emit(graph.DropoutOp, x, rate=self._dropout)
            outputs = []
            for way, reverse in enumerate(self._ways):
                index = layer * len(self._ways) + way
                y, *ends = self.one(x, index, [_row(node, state, index) for state in states], reverse=reverse)
                outputs.append(y)
                for kept, end in zip(last, ends, strict=True):
                    kept.append(node.reshape(end, (1, *end.shape)))
            x = node.concat(outputs, 2)
        if alone:
            x = node.reshape(x, (x.shape[0], x.shape[2]))
        elif batch_first:
            x = node.transpose(x, (1, 0, 2))
        joined = [node.concat(kept, 0) for kept in last]
        return [x, *(node.reshape(each, (each.shape[0], each.shape[2])) if alone else each for each in joined)]

    def one(self, x: Value, index: int, states: Sequence[Value], *, reverse: bool = False) -> tuple[Value, ...]:
        """One layer in one direction."""
        width = 4 if self._biases else 2
        kernel, recurrent, *biases = self._params[index * width : (index + 1) * width]
        operands = [self._kernel(kernel), self._kernel(recurrent), self._bias(biases, kernel)]
        return self._node.emit_several(
            self._kind.op, x, *operands, *states, reverse=reverse, **dict(self._kind.properties)
        )

    def _kernel(self, kernel: Value) -> Value:
        return self._node.transpose(self._gates(kernel), (1, 0))

    def _gates(self, x: Value) -> Value:
        order = self._kind.order
        if list(order) == list(range(len(order))):
            return x
        units = int(str(x.shape[0])) // len(order)
        return self._node.concat([self._node.pick(x, 0, gate * units, units) for gate in order], 0)

    def _bias(self, biases: Sequence[Value], kernel: Value) -> Value:
        """One vector, or for a GRU a row for the input and one for the recurrent part."""
        node, width = self._node, kernel.shape[0]
        two = self._kind is GRU
        if not biases:
            return node.fill(0, (2, width) if two else (width,), kernel.element)
        ordered = [self._gates(bias) for bias in biases]
        if two:
            return node.concat([node.reshape(bias, (1, width)) for bias in ordered], 0)
        return node.add(*ordered)


def _row(node: Node, state: Value, index: int) -> Value:
    return node.reshape(node.pick(state, 0, index, 1), state.shape[1:])


# --- cells -----------------------------------------------------------------------------------------------------------
@aten("lstm_cell", makes=("graph.lstm", *HELPERS))
def lstm_cell(
    node: Node,
    x: Value,
    hx: Sequence[Value],
    w_ih: Value,
    w_hh: Value,
    b_ih: Value | None = None,
    b_hh: Value | None = None,
) -> list[Value]:
    _, h, c = _cell(node, LSTM, x, hx, [w_ih, w_hh, b_ih, b_hh])
    return [h, c]


CELLS = {"gru_cell": GRU, "rnn_tanh_cell": TANH, "rnn_relu_cell": RELU}


@aten(*CELLS, makes=("graph.gru", "graph.rnn", *HELPERS))
def cell(
    node: Node, x: Value, hx: Value, w_ih: Value, w_hh: Value, b_ih: Value | None = None, b_hh: Value | None = None
) -> Value:
    return _cell(node, CELLS[node.op], x, [hx], [w_ih, w_hh, b_ih, b_hh])[1]


def _cell(
    node: Node, kind: Kind, x: Value, states: Sequence[Value], given: Sequence[Value | None]
) -> tuple[Value, ...]:
    """A layer over one time."""
    params = [each for each in given if each is not None]
    stack = _Stack(node, kind, params, len(params) == 4, 1, False, 0.0, False)
    batch: Size = x.shape[0]
    return stack.one(node.reshape(x, (1, batch, x.shape[1])), 0, states)
