"""What a body of a program is planned as, before names are chosen and text is written.

A graph value becomes a `Value`, made by one of five things: an input, a number, a weight, a layer, a formula. Weights
that a layer holds never show in the text; formulas with one user are written inside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from xdsl.ir import Attribute

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import Shape
from neuralc.emit.nr.weights import Origin
from neuralc.emit.python.expressions import Expression

Render: TypeAlias = Callable[[Sequence[Expression]], Expression]
"""An expression, given those of its operands."""


@dataclass(frozen=True)
class Input:
    """An input of the network, or of a function."""


@dataclass(frozen=True)
class Number:
    """One number everywhere."""

    value: bool | int | float


@dataclass(frozen=True)
class Formula:
    """An expression of other values.

    `layer` says it as a layer where it stands alone, and `apart` that it then does not go into another formula.
    """

    inputs: tuple[Value, ...]
    render: Render
    layer: Call | None = None
    apart: bool = False
    axes: tuple[int, ...] | None = None
    """Of a transpose, the axes of its operand."""
    view: bool = False
    """Whether it is its first operand under another shape."""
    cut: tuple[Sequence[Dim], Sequence[int]] | None = None
    """Of a slice, where it starts and its steps."""
    reads_sizes: bool = False
    """Whether it names the sizes of operands, which then are values with names, not expressions."""


@dataclass(frozen=True)
class Held:
    """A weight of the model, moved; `plain` says the moves as a formula, where no layer takes it so."""

    origin: Origin
    plain: Formula | None = None


@dataclass(frozen=True)
class Call:
    """A layer and its arguments, not applied: `Conv2D(8, 3)`. An argument at its default may stand here."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Step:
    """A layer applied to values."""

    call: Call
    inputs: tuple[Value, ...]
    named: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    weights: Mapping[str, Value] = field(default_factory=dict)
    """The weights it holds, by their last names."""
    results: tuple[Value, ...] = ()
    hint: str = ""
    """The path of the layer in the model it comes from, where it has one."""
    path: str | None = None
    """Of the use of a macro or a network, where its weights are in the model."""
    formula: Formula | None = None
    """Of a formula with several results."""

    @property
    def uses(self) -> tuple[Value, ...]:
        return (*self.inputs, *(value for values in self.named.values() for value in values))


@dataclass(eq=False)
class Value:
    """A value of a body."""

    shape: Shape
    element: Attribute
    source: Input | Number | Formula | Held | Step
    hint: str = ""

    @property
    def rank(self) -> int:
        return len(self.shape)
