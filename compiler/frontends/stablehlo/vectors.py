"""Vectors of which the import knows some entries: starts of a slice, `[i, 0, 0]`, where a run knows i alone.

Modules with symbolic sizes put starts and limits together by concatenations and compute with whole vectors. Each entry
is followed on its own, so that those that are sizes or numbers stay known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neuralc.frontends.values import Value

if TYPE_CHECKING:
    from neuralc.frontends.node_builder import NodeBuilder

LONGEST = 16
"""Entries of a vector that is followed: as many as a tensor may have dims, and more."""

BY_ENTRY = frozenset(
    f"stablehlo.{name}" for name in ("add", "subtract", "multiply", "maximum", "minimum", "clamp", "convert", "select")
)
"""Ops that are done entry by entry."""


@dataclass
class Vectors:
    """Entries of vectors, as values of rank 0."""

    _found: dict[Value, list[Value]] = field(default_factory=dict)

    def holds(self, value: Value) -> bool:
        return value in self._found

    def entries(self, node: NodeBuilder, value: Value) -> list[Value] | None:
        """The entries of a vector, or of a number the number itself; None where nothing tells them apart."""
        if value in self._found:
            return self._found[value]
        if value.rank == 0:
            return [value]
        if value.known is None or value.rank != 1 or value.known.size > LONGEST:
            return None
        return [node.constant(value.known[i], value.element) for i in range(value.known.size)]

    def set(self, value: Value, entries: Sequence[Value]) -> Value:
        """Remember the entries of a vector that is not known as a whole; gives the vector."""
        if value.known is None and len(entries) <= LONGEST:
            self._found[value] = list(entries)
        return value

    def follow(
        self, node: NodeBuilder, operands: Sequence[Value], result: Value, each: Callable[[Sequence[Value]], Value]
    ) -> None:
        """Remember the entries of a result of an op that is done entry by entry."""
        if result.rank != 1 or result.known is not None or not any(map(self.holds, operands)):
            return
        columns = [self.entries(node, operand) for operand in operands]
        size = max(len(column) for column in columns if column is not None)
        if any(column is None or len(column) not in (1, size) for column in columns):
            return
        rows = [[column[i if len(column) > 1 else 0] for column in columns if column is not None] for i in range(size)]
        self.set(result, [each(row) for row in rows])
