"""Shapes of which a run knows some sizes: `(ops.shape(x)[0], 8)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import Shape
from neuralc.emit.python.expressions import Expression, Value
from neuralc.emit.python.nodes import Node
from neuralc.emit.python.sizes import Sized, sized
from neuralc.emit.python.values import Values

SIZE = "ops.shape({})[{}]"
"""A size of a value along an axis."""


@dataclass(frozen=True)
class Sizes:
    """A shape, and the arguments that its symbolic sizes are found in."""

    entries: tuple[int | Sized, ...]

    @property
    def nodes(self) -> list[Node]:
        return [node for entry in self.entries if isinstance(entry, Sized) for node in entry.nodes]

    def tuple(self, arguments: Sequence[Expression]) -> Value:
        """The shape; `arguments` stand for the nodes."""
        rest = iter(arguments)
        return tuple(
            entry.expression(tuple(next(rest) for _ in entry.nodes), SIZE) if isinstance(entry, Sized) else entry
            for entry in self.entries
        )


def sizes_in(values: Values, shape: Shape) -> Sizes | None:
    """A shape by the sizes of the arguments; None where a symbol of it stands in none of them alone."""
    entries: list[int | Sized] = []
    for size in shape:
        if not isinstance(size, Dim):
            entries.append(size)
            continue
        found = sized(size, tuple(values.inputs))
        if found is None:
            return None
        entries.append(found)
    return Sizes(tuple(entries))
