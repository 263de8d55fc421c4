"""What a body of a program is planned as, before names are chosen and text is written.

A graph value becomes a `Value`, made by one of five things: an input, a number, a weight, a layer, a formula. Weights
that a layer holds never show in the text; formulas with one user are written inside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Attribute

from neuralc.dialects.types import Shape
from neuralc.emit.python.expressions import Expression

Render: TypeAlias = Callable[[Sequence[Expression]], Expression]
"""An expression, given those of its operands."""

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Move:
    """How the axes of a weight are moved on its way into a layer: a transpose, or a reshape to other sizes."""

    axes: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None

    def apply(self, array: Array) -> Array:
        moved: Array = np.transpose(array, self.axes) if self.shape is None else np.reshape(array, self.shape)
        return moved


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


@dataclass(frozen=True)
class Held:
    """A weight by its symbol, moved; `plain` is the same as a formula, where no layer takes it so."""

    symbol: str
    moves: tuple[Move, ...] = ()
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
