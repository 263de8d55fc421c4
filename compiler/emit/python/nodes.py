"""The expressions of a `forward`, as a graph: what graph ops become before statements and variable names are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from neuralc.dialects.types import Shape
from neuralc.emit.python.expressions import Expression

Render: TypeAlias = Callable[[Sequence[Expression]], Expression]


class Kind(Enum):
    """What a node is to a reader: decides what is written on one line with what."""

    INPUT = auto()
    """An argument of forward."""
    INLINE = auto()
    """A literal or an attribute: never gets a variable."""
    LAYER = auto()
    NORM = auto()
    ACTIVATION = auto()
    ARITHMETIC = auto()
    POOL = auto()
    PAD = auto()
    PERMUTE = auto()
    VIEW = auto()
    CALL = auto()
    LOOP = auto()
    """`for block in self.blocks: x = block(x)`; render gives one application of the loop variable."""
    ITEM = auto()
    """One result of a CALL that has several."""
    OTHER = auto()


@dataclass(eq=False)
class Body:
    """A function inside of a function: a region of control flow, which reads values around it by their variables."""

    name: str
    arguments: Sequence[tuple[str, Sequence[Node]]]
    """Each argument: one value, or several that it holds under a name."""
    results: Sequence[Node]
    returned: Callable[[Sequence[Expression]], Expression]
    nodes: Sequence[Node]
    captured: Mapping[Node, Node]
    """What stands in the body for a value around it -> that value."""


@dataclass(eq=False)
class Node:
    """An expression over other nodes. `shape` is the torch tensor's; `name` that of an input or a loop variable."""

    kind: Kind
    inputs: tuple[Node, ...]
    render: Render
    shape: Shape
    name: str = ""
    over: Callable[[], str] = lambda: ""
    """For a LOOP: what it iterates over."""
    comment: str = ""
    hint: str = ""
    """What to call its value where the usual variables hold others."""
    items: list[Node] = field(default_factory=list)
    """The ITEM nodes of a CALL with several results."""
    bodies: Sequence[Body] = ()
    """Functions that are written in front of the statement."""


# A node is written inside its only user where the user is of the first kind and the node of one of the others:
# F.relu(self.bn(self.conv(x))), self.conv(F.pad(x, ...)), x.permute(...).flatten(1).
NESTED: dict[Kind, frozenset[Kind]] = {
    Kind.ACTIVATION: frozenset({Kind.LAYER, Kind.NORM, Kind.ARITHMETIC, Kind.CALL}),
    Kind.NORM: frozenset({Kind.LAYER}),
    Kind.LAYER: frozenset({Kind.PAD}),
    Kind.POOL: frozenset({Kind.PAD}),
    Kind.VIEW: frozenset({Kind.PERMUTE}),
}
