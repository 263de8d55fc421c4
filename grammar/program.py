"""A checked network: names are known, arguments bound, macros expanded; what frontends/nr lowers to the graph level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from neuralc.grammar import tree as t
from neuralc.grammar.binding import Bound
from neuralc.grammar.diagnostics import Diagnostic, Span
from neuralc.grammar.signatures import Signature


@dataclass(frozen=True)
class Use:
    """A value that is used by its name."""

    name: str
    span: Span


@dataclass(frozen=True)
class Fed:
    """The values a layer is applied to. Without positional ones the running value comes first, unless it is named."""

    positional: tuple[Use, ...] = ()
    named: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)


RUNNING = Fed()
"""Applied to the running value."""


@dataclass(frozen=True)
class LayerNode:
    """A layer with all its parameters.

    `body` is None for a layer without a block; `branches` are those of a layer that takes `name: { ... }`.
    """

    signature: Signature
    arguments: Bound
    fed: Fed
    body: Body | None
    branches: tuple[BranchNode, ...]
    span: Span
    name_span: Span
    size: int

    @property
    def layers(self) -> tuple[LayerNode | CallNode, ...]:
        """The layers among its arguments: `TimeDistributed(Dense(8))`."""
        return layers_in(self.arguments)

    def replaced(self, **arguments: Any) -> LayerNode:
        """The same layer with other arguments: what a wrapper makes of the layer it was given."""
        return replace(self, arguments=Bound({**self.arguments.values, **arguments}, self.arguments.spans))


@dataclass(frozen=True)
class CustomNode:
    """A layer that nothing defines and whose name ends in `Layer`: a plugin may bring it.

    `shape` is that of its result without the batch, where `CustomShape` says it.
    """

    name: str
    arguments: Mapping[str, Any]
    shape: tuple[int, ...] | None
    fed: Fed
    span: Span
    name_span: Span
    size: int = 1


@dataclass(frozen=True, eq=False)
class Callee:
    """A macro or a network with its arguments. Uses with equal arguments share one object, compared by identity."""

    name: str
    body: Body
    inputs: tuple[ProgramInput, ...] | None = None
    """None for a macro: it takes whatever it is applied to."""
    outputs: tuple[Use, ...] | None = None
    """The names of the values it gives; None for the last one."""
    sizes: tuple[SizeDeclaration, ...] = ()
    """The named sizes of the inputs."""
    constraints: tuple[t.Constraint, ...] = ()


@dataclass(frozen=True)
class CallNode:
    """The use of a macro or a network."""

    callee: Callee
    scope: str
    """Its name in the paths of weights."""
    fed: Fed
    span: Span
    name_span: Span
    size: int
    named: str | None = None
    """The name in the paths of weights that its use was given, and where."""
    named_at: Span | None = None


@dataclass(frozen=True)
class RepeatNode:
    """`node` applied `count` times in a row, each time with weights of its own."""

    node: LayerNode | CallNode | CustomNode
    count: int
    span: Span
    size: int

    @property
    def name_span(self) -> Span:
        return self.node.name_span


@dataclass(frozen=True)
class SharedNode:
    """`enc(a)`: the layer that was given the name `enc`, with its weights."""

    handle: str
    fed: Fed
    span: Span
    size: int = 1

    @property
    def name_span(self) -> Span:
        return self.span


@dataclass(frozen=True)
class BranchNode:
    """`name: { ... }`; it starts from the value `source`, or from the running one."""

    name: str
    source: Use | None
    body: Body
    span: Span
    size: int

    @property
    def name_span(self) -> Span:
        return self.span


@dataclass(frozen=True)
class BrokenNode:
    """An item that was reported to be wrong; what depends on it is not looked at."""

    span: Span
    size: int = 1

    @property
    def name_span(self) -> Span:
        return self.span


def layers_in(arguments: Bound) -> tuple[LayerNode | CallNode, ...]:
    """The layers among arguments."""
    values = (part for value in arguments.values.values() for part in (value if isinstance(value, tuple) else (value,)))
    return tuple(value for value in values if isinstance(value, LayerNode | CallNode))


Node: TypeAlias = LayerNode | CallNode | CustomNode | RepeatNode | SharedNode | BranchNode | BrokenNode


@dataclass(frozen=True)
class Step:
    """An item of a body, and the names of its results.

    One whose name is called later is `shared`: it keeps its weights. It is `applied` where it stands unless its name is
    only ever called.
    """

    node: Node
    targets: tuple[str, ...] = ()
    shared: bool = False
    applied: bool = True


@dataclass(frozen=True, eq=False)
class Body:
    """Layers applied one after another; compared by identity."""

    steps: tuple[Step, ...]
    size: int
    """How many layers this becomes when everything is expanded; an empty block or macro counts as one."""
    depth: int
    """How deep blocks and macros nest in it, itself included."""
    captures: bool = False
    """Whether it uses names of the body around it."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """What the items apply."""
        return tuple(step.node for step in self.steps)


@dataclass(frozen=True)
class ProgramInput:
    """An input; its `sizes`, without the batch, are numbers or names, its `element` is a numpy dtype name."""

    name: str
    sizes: tuple[int | str, ...]
    element: str
    span: Span
    batch_span: Span | None = None
    """Where the batch is written, if it is."""
    batched: bool = True
    """Whether it has the batch in front: not of a shape in brackets."""

    @property
    def shape(self) -> tuple[int | str, ...]:
        """All its sizes, with the name of the batch in front where it has one."""
        return ("batch", *self.sizes) if self.batched else self.sizes


@dataclass(frozen=True)
class SizeDeclaration:
    """A named size: its bounds, and where it stands first."""

    name: str
    origin: str
    minimum: int = 1
    maximum: int | None = None


@dataclass(frozen=True)
class Program:
    """One network, ready to be lowered. `clauses` is plain data: loss, optimizer, metrics, train, execution, ..."""

    name: str
    span: Span
    inputs: tuple[ProgramInput, ...]
    sizes: tuple[SizeDeclaration, ...]
    constraints: tuple[t.Constraint, ...]
    """What `where` says beyond the bounds of one name."""
    body: Body
    outputs: tuple[Use, ...] | None = None
    """The values of the `outputs:` clause; None for the last one."""
    clauses: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    weights_span: Span | None = None
    seed: int | None = None
    messages: tuple[Diagnostic, ...] = ()
    """Warnings and notes, in order of position."""
    errors: tuple[Diagnostic, ...] = ()
    """What is wrong with items of the body; the rest can still be lowered to find what else is."""
