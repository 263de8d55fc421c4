"""What a picture of a model shows: its blocks as nodes, values as lines between them, inputs and outputs at the ends.

Weights are not drawn. A picture of some layers has a node for each value that comes from outside or goes there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from neuralc.inspection.blocks import Block, users_of
from neuralc.inspection.summary import Layer, Port, State, Summary
from neuralc.inspection.units import bytes_text, known_sum, number_text, shape_text, share_text

FEW = 4
"""Layers of a block that are listed instead of counted."""

LISTED = 2
"""Ops named of a larger one: those that cost most."""

Role = Literal["input", "output", "layer", "block", "outside"]


@dataclass(frozen=True)
class Node:
    """`lines` are its texts below the name; `told` is all there is to tell, for a reader who points at it."""

    role: Role
    name: str
    lines: tuple[str, ...]
    shape: str
    told: str
    block: Block | None = None
    kind: str = ""
    share: float = 0.0
    """Of the model's arithmetic, from 0 to 1."""
    refused: bool = False


@dataclass(frozen=True)
class Flow:
    """Values from one node to another; `alone` where nothing else leaves the source."""

    source: int
    target: int
    values: tuple[int, ...]
    text: str
    alone: bool


@dataclass
class Diagram:
    nodes: list[Node] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)


def diagram_of(summary: Summary, blocks: Sequence[Block]) -> Diagram:
    """The picture of blocks that follow one another: of the whole model, or of a part of it."""
    return _Builder(summary, blocks).build()


class _Builder:
    def __init__(self, summary: Summary, blocks: Sequence[Block]) -> None:
        self.summary = summary
        self.blocks = blocks
        self.start, self.stop = (blocks[0].start, blocks[-1].stop) if blocks else (0, 0)
        self.whole = self.stop - self.start == len(summary.layers)
        self.nodes: list[Node] = []
        self.makers: dict[int, int] = {}
        """The node that each value comes from."""

    def build(self) -> Diagram:
        self._sources()
        links: dict[tuple[int, int], dict[int, None]] = {}
        for block in self.blocks:
            node = self._add(_block_node(self.summary, block))
            for layer in self.summary.layers[block.start : block.stop]:
                for value in layer.operands:
                    if value in self.makers and self.makers[value] != node:
                        links.setdefault((self.makers[value], node), {})[value] = None
                self.makers.update(dict.fromkeys(layer.results, node))
        for value, end in self._ends():
            node = self._add(end)
            if value in self.makers:
                links.setdefault((self.makers[value], node), {})[value] = None
        leaving: dict[int, set[int]] = {}
        for (source, _), values in links.items():
            leaving.setdefault(source, set()).update(values)
        return Diagram(
            self.nodes,
            [
                Flow(source, target, tuple(values), self._text(values), len(leaving[source]) == 1)
                for (source, target), values in links.items()
            ],
        )

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _sources(self) -> None:
        if self.whole:
            for port in self.summary.inputs:
                self.makers[port.value] = self._add(_port_node("input", port, self.summary))
            for state in self.summary.states:
                if state.reads:
                    self.makers.update(dict.fromkeys(state.reads, self._add(_state_node("state", state))))
            return
        names = {port.value: port.name for port in self.summary.inputs}
        names |= {value: state.name for state in self.summary.states for value in state.reads}
        names |= {value: layer.name for layer in self.summary.layers[: self.start] for value in layer.results}
        for layer in self.summary.layers[self.start : self.stop]:
            for value in layer.operands:
                if value in names and value not in self.makers:
                    self.makers[value] = self._add(self._outside("from", names[value], value))

    def _ends(self) -> list[tuple[int, Node]]:
        """The values that leave, each with its node."""
        if self.whole:
            ends = [(port.value, _port_node("output", port, self.summary)) for port in self.summary.outputs]
            written = ((state.write, _state_node("next state", state)) for state in self.summary.states)
            return [*ends, *((value, node) for value, node in written if value is not None)]
        users = users_of(self.summary)
        made = [value for layer in self.summary.layers[self.start : self.stop] for value in layer.results]
        readers = ((value, next((user for user in users[value] if user >= self.stop), None)) for value in made)
        return [
            (value, self._outside("to", self._name(reader), value)) for value, reader in readers if reader is not None
        ]

    def _name(self, reader: int) -> str:
        return self.summary.layers[reader].name if reader < len(self.summary.layers) else "output"

    def _outside(self, where: str, name: str, value: int) -> Node:
        shape = self.summary.values[value].short
        return Node("outside", name, (where,), shape, f"{where} {name}\n{_value_told(self.summary, value)}")

    def _text(self, values: dict[int, None]) -> str:
        shapes = [self.summary.values[value].short for value in values]
        return shapes[0] if len(shapes) == 1 else f"{len(shapes)} values"


# --- nodes -------------------------------------------------------------------------------------------------------
def _port_node(role: Role, port: Port, summary: Summary) -> Node:
    shape = summary.values[port.value].short
    told = f"{role} {port.name}\n{_value_told(summary, port.value)}"
    return Node(role, port.name, (f"{role}  {port.dtype}",), shape, told)


def _state_node(role: str, state: State) -> Node:
    told = f"{role} {state.name}\n{state.dtype} {shape_text(state.shape)}, {bytes_text(state.bytes)}"
    return Node("input", state.name, (f"{role}  {state.dtype}",), shape_text(state.shape), told)


def _block_node(summary: Summary, block: Block) -> Node:
    layers = summary.layers[block.start : block.stop]
    flops = known_sum(layer.flops for layer in layers)
    role: Role = "layer" if len(layers) == 1 else "block"
    return Node(
        role,
        block.name,
        _lines(layers, block),
        summary.short_shape(layers[-1]),
        _told(summary, block, layers),
        block,
        _kind(layers),
        flops / summary.flops if flops and summary.flops else 0.0,
        any(layer.refused for layer in layers),
    )


def _lines(layers: Sequence[Layer], block: Block) -> tuple[str, ...]:
    inside = layers[: len(block.first)]
    if len(inside) <= FEW:
        return (" · ".join(layer.op for layer in inside),)
    counts, costs = Counter[str](), Counter[str]()
    for layer in inside:
        counts[layer.op] += 1
        costs[layer.op] += layer.flops or 0
    dearest = sorted(counts, key=lambda op: (-costs[op], -counts[op]))[:LISTED]
    more = ", …" if len(counts) > LISTED else ""
    return (", ".join(f"{counts[op]} {op}" for op in dearest) + more, f"{len(inside)} layers")


def _kind(layers: Sequence[Layer]) -> str:
    """That of its dearest layer."""
    return max(layers, key=lambda layer: (layer.flops or 0, layer.parameters)).kind


def told_of(summary: Summary, index: int) -> str:
    """All there is to tell of one layer."""
    return _told(summary, Block(index, index + 1, summary.layers[index].name), [summary.layers[index]])


def _told(summary: Summary, block: Block, layers: Sequence[Layer]) -> str:
    first, last = layers[0], layers[-1]
    flops, parameters = known_sum(layer.flops for layer in layers), sum(layer.parameters for layer in layers)
    share = share_text(flops, summary.flops)
    lines = [
        block.name if block.copies == 1 else f"{block.name}, {block.copies} times",
        first.op if len(layers) == 1 else f"{len(layers)} layers, {first.name} to {last.name}",
        *(_value_told(summary, value) for value in last.results),
        f"{parameters:,} parameters" if parameters else "",
        f"{number_text(flops)} flops{f', {share} %' if share else ''}" if flops else "",
        f"{bytes_text(known_sum(layer.bytes for layer in layers))} of results" if first.bytes is not None else "",
        first.place if first.place == last.place else f"{first.place} to {last.place}",
        *dict.fromkeys(f"not compiled: {layer.op}: {layer.refused}" for layer in layers if layer.refused),
    ]
    return "\n".join(filter(None, lines))


def _value_told(summary: Summary, number: int) -> str:
    value = summary.values[number]
    return f"{value.dtype} {shape_text(value.shape)}"
