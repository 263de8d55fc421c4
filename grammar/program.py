"""A checked network: names are known, arguments bound, macros expanded; what frontends/nr lowers to the graph level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from neuralc.grammar.binding import Bound
from neuralc.grammar.diagnostics import Diagnostic, Span
from neuralc.grammar.signatures import Signature


@dataclass(frozen=True)
class LayerNode:
    """A layer with all its parameters; `body` is None for a layer without a block."""

    signature: Signature
    arguments: Bound
    body: Body | None
    span: Span
    name_span: Span
    size: int


@dataclass(frozen=True)
class MacroNode:
    """The use of a macro. Uses with equal arguments share one `body` object, so equal blocks are known to be equal."""

    macro: str
    body: Body
    span: Span
    name_span: Span
    size: int


@dataclass(frozen=True)
class RepeatNode:
    """`node` applied `count` times in a row, each time with weights of its own."""

    node: LayerNode | MacroNode
    count: int
    span: Span
    size: int


Node: TypeAlias = LayerNode | MacroNode | RepeatNode


@dataclass(frozen=True, eq=False)
class Body:
    """Layers applied one after another; compared by identity."""

    nodes: tuple[Node, ...]
    size: int
    """How many layers this becomes when everything is expanded."""
    depth: int
    """How deep blocks and macros nest in it, itself included."""


@dataclass(frozen=True)
class ProgramInput:
    """An input without its batch dimension; `element` is a numpy dtype name."""

    name: str
    sizes: tuple[int, ...]
    element: str
    batch_origin: str
    span: Span


@dataclass(frozen=True)
class Program:
    """One network, ready to be lowered. `clauses` is plain data: loss, optimizer, metrics, train, execution, ..."""

    name: str
    span: Span
    input: ProgramInput
    body: Body
    clauses: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    weights_span: Span | None = None
    seed: int | None = None
    messages: tuple[Diagnostic, ...] = ()
    """Warnings and notes, in order of position."""
