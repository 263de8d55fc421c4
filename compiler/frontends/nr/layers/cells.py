"""Cells of units: SimpleRNN, LSTM and GRU, and cells that stand on each other.

A cell whose activations the recurrent ops know is one op; another one is a graph.scan around its step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.types import Shape, element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers import gates
from neuralc.frontends.nr.layers.maps import Gates, of_inputs, of_state, seed_of
from neuralc.frontends.nr.layers.recurrence import Cell, Walk, Way, scan
from neuralc.frontends.nr.layers.shared import known, weight
from neuralc.frontends.nr.layers.steps import dropped, slice_of
from neuralc.frontends.nr.site import LayerError, Site, Values, shown
from neuralc.grammar.binding import Bound
from neuralc.grammar.configured import Configured
from neuralc.grammar.program import CallNode, ProgramInput

TEXTS: Mapping[str | None, str] = {
    None: "identity", "linear": "identity", "relu": "relu", "leaky_relu": "leaky_relu(0.2)", "elu": "elu",
    "selu": "selu", "gelu": "gelu", "silu": "silu", "sigmoid": "sigmoid", "tanh": "tanh", "softplus": "softplus",
    "softsign": "softsign", "hard_sigmoid": f"hard_sigmoid({1 / 6!r}, 0.5)", "exponential": "exp",
}  # fmt: skip
"""The functions of `keras.activations` that recurrent ops have, as they write them."""


@dataclass(frozen=True)
class Kind:
    """What tells the three cells apart."""

    op: type[RecurrentOp]
    functions: tuple[str, ...]
    """Which argument is each activation of the op."""
    rule: gates.Rule

    @property
    def gates(self) -> int:
        return self.op.GATES


RNN = Kind(graph.RnnOp, ("activation",), gates.rnn)
LSTM = Kind(graph.LstmOp, ("recurrent_activation", "activation", "activation"), gates.lstm)
GRU = Kind(graph.GruOp, ("recurrent_activation", "activation"), gates.gru)


@dataclass(frozen=True)
class UnitsCell:
    """A cell whose states are `units` numbers."""

    kind: Kind
    arguments: Bound

    @property
    def form(self) -> Sequence[str]:
        return "batch", "steps", "features"

    def states(self, x: SSAValue) -> Mapping[str, Shape]:
        return dict.fromkeys("hc"[: self.kind.op.STATES], (shape_of(x.type)[1], self.arguments["units"]))

    def walk(self, site: Site, x: SSAValue, states: Values, way: Way) -> Walk:
        weights = _weights(site, self.kind, self.arguments, x)
        if all(self.arguments[name] in TEXTS for name in self.kind.functions):
            return self._by_op(site, weights, x, states, way)
        inputs = Gates(_dense, weights.kernel, weights.input_bias(site), self.kind.gates, -1)
        recurrent = Gates(_dense, weights.recurrent, weights.recurrent_bias(site), self.kind.gates, -1)
        projected = of_inputs(site, inputs, self.arguments, x, (0,), alike=self._drops_alike)
        maps = of_state(site, recurrent, self.arguments, states[0].type)
        return scan(site, (projected,), states, way, self.kind.rule(maps, self.arguments))

    def _by_op(self, site: Site, weights: _Weights, x: SSAValue, states: Values, way: Way) -> Walk:
        x, properties = self._training(site, x)
        if self.kind is GRU:
            properties["reset_after"] = self.arguments["reset_after"]
        op = self.kind.op.of(
            x,
            weights.kernel,
            weights.recurrent,
            weights.bias or _zeros(site, (self.kind.gates * weights.units,), x),
            *states,
            *([] if way.mask is None else [way.mask]),
            reverse=way.reverse,
            activations=" ".join(TEXTS[self.arguments[name]] for name in self.kind.functions),
            **properties,
        )
        y, *last = site.add_all(op)
        return Walk(y, last[0], tuple(last))

    def _training(self, site: Site, x: SSAValue) -> tuple[SSAValue, dict[str, Any]]:
        """What training drops: features of x for all gates alike, or what the op drops for each gate."""
        rate, recurrent_rate = self.arguments["dropout"], self.arguments["recurrent_dropout"]
        if not rate and not recurrent_rate:
            return x, {}
        seed, own = seed_of(self.arguments), {"recurrent_dropout": recurrent_rate} if recurrent_rate else {}
        if self._drops_alike:
            return dropped(site, x, rate, (0,), seed), {**own, **seed} if own else {}
        return x, {"dropout": rate, **own, **seed}

    @property
    def _drops_alike(self) -> bool:
        """Whether training drops the same features for all gates: Keras does, but for implementation 1."""
        return self.kind is RNN or (self.arguments["implementation"] == 2 and not self.arguments["recurrent_dropout"])


@dataclass(frozen=True)
class NetworkCell:
    """A network as a cell: its first input is that of a step, the others are states; so are its outputs."""

    node: CallNode
    inputs: Sequence[ProgramInput]

    @property
    def form(self) -> Sequence[str]:
        return "batch", "steps", *map(str, self.inputs[0].sizes)

    def states(self, x: SSAValue) -> Mapping[str, Shape]:
        batch = shape_of(x.type)[1]
        return {
            port.name: (batch, *(known(size, f"a size of `{port.name}`") for size in port.sizes))
            for port in self.inputs[1:]
        }

    def walk(self, site: Site, x: SSAValue, states: Values, way: Way) -> Walk:
        def step(inside: Site, slices: Values, before: Values) -> tuple[SSAValue, Values]:
            output, *following = inside.piece("", self.node)(*slices, *before)
            wanted, found = [value.type for value in before], [value.type for value in following]
            if found != wanted:
                raise LayerError(
                    f"`{self.node.callee.name}` gives {_shapes(following)} behind its output, its states are "
                    f"{_shapes(before)}",
                    "E0401",
                    "a cell gives its output and then the next value of each state, in the order of its inputs",
                )
            return output, tuple(following)

        return scan(site, (x,), states, way, step, own_output=True)


def _shapes(values: Sequence[SSAValue]) -> str:
    return " and ".join(map(shown, values)) or "nothing"


@dataclass(frozen=True)
class Placed:
    """A cell within a layer: its weights and states go by its name, where it has one."""

    cell: Cell
    kind: str
    """The cell, by its name in the signature table, or a network."""
    name: str = ""
    trainable: bool = True

    @property
    def form(self) -> Sequence[str]:
        return self.cell.form

    def states(self, x: SSAValue) -> Mapping[str, Shape]:
        before = f"{self.name}." if self.name else ""
        return {f"{before}{name}": shape for name, shape in self.cell.states(x).items()}

    def walk(self, site: Site, x: SSAValue, states: Values, way: Way) -> Walk:
        place = replace(site.sub(self.name, self.kind), trainable=site.trainable and self.trainable)
        return self.cell.walk(place, x, states, way)


@dataclass(frozen=True)
class Stacked:
    """Cells of which each one reads what the one below gives: one walk after another."""

    cells: Sequence[Placed]

    @property
    def form(self) -> Sequence[str]:
        return self.cells[0].form

    def states(self, x: SSAValue) -> Mapping[str, Shape]:
        return {name: shape for cell in self.cells for name, shape in cell.states(x).items()}

    def walk(self, site: Site, x: SSAValue, states: Values, way: Way) -> Walk:
        rest, last = list(states), list[SSAValue]()
        for cell in self.cells:
            count = len(cell.states(x))
            own, rest = tuple(rest[:count]), rest[count:]
            walk = cell.walk(site, x, own, way)
            x, last = walk.outputs, [*last, *walk.states]
        return Walk(walk.outputs, walk.last, tuple(last), walk.holds_state)


# --- weights ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Weights:
    """Those of Keras's cell, in its order."""

    units: int
    kernel: SSAValue
    recurrent: SSAValue
    bias: SSAValue | None

    def input_bias(self, site: Site) -> SSAValue | None:
        """The bias of the input's map, where there is one."""
        return None if self.bias is None else _row(site, self.bias, 0)

    def recurrent_bias(self, site: Site) -> SSAValue | None:
        """The bias of the recurrent map, which a GRU with `reset_after` has."""
        return None if self.bias is None or len(shape_of(self.bias.type)) == 1 else _row(site, self.bias, 1)


def _weights(site: Site, kind: Kind, arguments: Bound, x: SSAValue) -> _Weights:
    units: int = arguments["units"]
    width, depth = kind.gates * units, known(shape_of(x.type)[-1], "the last axis")
    kernel = weight(site, arguments, "kernel", (depth, width), x)
    recurrent = weight(site, arguments, "recurrent_kernel", (units, width), x, key="recurrent")
    shape = (2, width) if kind is GRU and arguments["reset_after"] else (width,)
    bias = bias_of(site, arguments, shape, x)
    if arguments.get("recurrent_bias"):
        if bias is None:
            raise LayerError("it has a `recurrent_bias` and no bias", "E0305", "write `use_bias=true`, or none of both")
        own = weight(site, arguments, "recurrent_bias", shape, x, key="bias")
        bias = site.add(graph.AddOp.of(bias, own), "bias")
    return _Weights(units, kernel, recurrent, bias)


def bias_of(site: Site, arguments: Bound, shape: Sequence[int], like: SSAValue) -> SSAValue | None:
    """The bias of a cell, where it has one; that of a forget gate starts at 1 where `unit_forget_bias` says so."""
    if not arguments["use_bias"]:
        return None
    if arguments.get("unit_forget_bias"):
        arguments = Bound({**arguments.values, "bias_initializer": _unit_forget(arguments["bias_initializer"])})
    return weight(site, arguments, "bias", shape, like)


def _unit_forget(others: Configured | str) -> Configured:
    if isinstance(others, Configured) and others.arguments:
        raise LayerError(
            f"`bias_initializer` is `{others.name}` with arguments, and the bias of the forget gate starts at 1",
            "E0702",
            "write `unit_forget_bias=false`, or the initializer without arguments",
        )
    name = others if isinstance(others, str) else others.name
    return Configured("unit_forget", {} if name == "zeros" else {"others": name})


def _row(site: Site, bias: SSAValue, index: int) -> SSAValue:
    shape = shape_of(bias.type)
    if len(shape) == 1:
        return bias
    row = slice_of(site, bias, 0, index, 1)
    return site.add(graph.ReshapeOp.of(row, result=tensor_type(shape[1:], element_of(bias.type))))


def _zeros(site: Site, shape: Shape, like: SSAValue) -> SSAValue:
    return site.add(graph.ConstantOp.of(result=tensor_type(shape, element_of(like.type)), value=0.0), "bias")


def _dense(site: Site, x: SSAValue, kernel: SSAValue, bias: Sequence[SSAValue]) -> SSAValue:
    return site.add(graph.DenseOp.of(x, kernel, *bias))


def _units_cell(kind: Kind) -> Callable[[Bound], Cell]:
    return lambda arguments: UnitsCell(kind, arguments)


CELLS: Mapping[str, Callable[[Bound], Cell]] = {
    "SimpleRNN": _units_cell(RNN),
    "SimpleRNNCell": _units_cell(RNN),
    "LSTM": _units_cell(LSTM),
    "LSTMCell": _units_cell(LSTM),
    "GRU": _units_cell(GRU),
    "GRUCell": _units_cell(GRU),
}
"""The cell of each layer of units, by the name of the layer or of the cell."""
