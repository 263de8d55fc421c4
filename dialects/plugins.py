"""Ops that installed packages bring.

A package declares an entry point, and is not imported before a model names it:

    [project.entry-points."neuralc.ops"]
    fourier_features = "neuralc_fourier:OP"

`OP` is an `OpPlugin`. The op stands in the IR as `graph.custom "fourier_features" %x {..}`, so dumps need no package to
be parsed. `graph-expand-custom` writes it in ops of the graph level before anything is lowered; the semantics in numpy
are what this is checked against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.grammar.entry_points import load_entry_point

OPS = "neuralc.ops"

Array: TypeAlias = NDArray[Any]
Arguments: TypeAlias = Mapping[str, Any]
Add: TypeAlias = Callable[[Operation], SSAValue]


@dataclass(frozen=True)
class OpPlugin:
    """An op of the graph level that a package brings."""

    infer: Callable[[Sequence[Attribute], Arguments], Sequence[Attribute]]
    """Result types of operand types and arguments. Raises ShapeError for what does not fit."""
    semantics: Callable[..., Array | Sequence[Array]]
    """`semantics(arguments, *arrays)` in numpy; float64 where the run is exact."""
    lower: Callable[..., SSAValue | Sequence[SSAValue]]
    """`lower(add, arguments, *values)` writes it in graph ops; `add(op)` puts one in and gives its first result."""


def op_plugin(name: str) -> OpPlugin | None:
    """The op that an installed package brings under a name. Raises NeuralcError E0705."""
    return load_entry_point(OPS, name, OpPlugin)
