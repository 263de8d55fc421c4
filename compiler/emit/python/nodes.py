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
    PRODUCT = auto()
    """Of two values: matmul, einsum, attention."""
    CHOICE = auto()
    """One of two values, place by place."""
    DROPOUT = auto()
    """What acts in training only."""
    POOL = auto()
    PAD = auto()
    PERMUTE = auto()
    VIEW = auto()
    SUBSCRIPT = auto()
    """`x[:, 0]`, `x[:, None]`."""
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


_VIEWS = frozenset({Kind.VIEW, Kind.SUBSCRIPT})

# A node is written inside its only user where the user is of the first kind and the node of one of the others:
# F.relu(self.bn(self.conv(x))), self.norm(x + self.dropout(y)), self.query(x).unflatten(-1, (12, 64)).
NESTED: dict[Kind, frozenset[Kind]] = {
    Kind.ACTIVATION: frozenset(
        {Kind.LAYER, Kind.NORM, Kind.ARITHMETIC, Kind.CALL, Kind.PRODUCT, Kind.CHOICE, Kind.SUBSCRIPT}
    ),
    Kind.ARITHMETIC: _VIEWS
    | {Kind.LAYER, Kind.NORM, Kind.CALL, Kind.PRODUCT, Kind.DROPOUT, Kind.ACTIVATION, Kind.ARITHMETIC},
    Kind.CALL: frozenset({Kind.NORM, Kind.DROPOUT}),
    Kind.CHOICE: _VIEWS | {Kind.ARITHMETIC},
    Kind.DROPOUT: frozenset(
        {Kind.LAYER, Kind.NORM, Kind.ACTIVATION, Kind.ARITHMETIC, Kind.CALL, Kind.PRODUCT, Kind.SUBSCRIPT}
    ),
    Kind.LAYER: _VIEWS | {Kind.PAD, Kind.NORM, Kind.DROPOUT},
    Kind.NORM: frozenset({Kind.LAYER, Kind.CALL, Kind.ARITHMETIC, Kind.DROPOUT}),
    Kind.OTHER: _VIEWS,
    Kind.PERMUTE: _VIEWS | {Kind.ARITHMETIC, Kind.LAYER, Kind.OTHER, Kind.PRODUCT},
    Kind.POOL: frozenset({Kind.PAD, Kind.ARITHMETIC}),
    Kind.PRODUCT: _VIEWS | {Kind.ARITHMETIC, Kind.PERMUTE, Kind.DROPOUT},
    Kind.SUBSCRIPT: _VIEWS,
    Kind.VIEW: _VIEWS | {Kind.PERMUTE, Kind.LAYER, Kind.PRODUCT},
}

UNNAMED = frozenset({Kind.ARITHMETIC, Kind.CHOICE, Kind.OTHER, Kind.PERMUTE, Kind.PRODUCT, Kind.SUBSCRIPT, Kind.VIEW})
"""Kinds of expressions that do not say what their value is, as the name of a layer does."""

WEIGHT: dict[Kind, int] = {Kind.VIEW: 0, Kind.SUBSCRIPT: 0, Kind.PERMUTE: 2}
"""How much a reader has to hold of what is written inside: 1 for most."""

DEEPEST = 3
"""The most that one line has."""

DEEPEST_IN: dict[Kind, int] = {Kind.CALL: 2, Kind.LAYER: 2}
"""The most of lines that apply a layer or a block to what is nested: these are the steps of a model."""
