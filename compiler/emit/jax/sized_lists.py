"""Lists of sizes in emitted code: numbers, and for symbolic ones what finds them in the shapes of arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim, as_dim
from neuralc.emit.python.expressions import Expression, Value, name
from neuralc.emit.python.nodes import Node
from neuralc.emit.python.sizes import Sized, sized
from neuralc.emit.python.values import Values


@dataclass(frozen=True)
class SizedList:
    """Sizes as functions of the arguments whose nodes are `nodes`."""

    sizes: Sequence[int | Sized]

    @property
    def nodes(self) -> list[Node]:
        """The arguments that are read, each as often as it is."""
        return [node for size in self.sizes if isinstance(size, Sized) for node in size.nodes]

    def expressions(self, arguments: Sequence[Expression]) -> list[Expression]:
        """The sizes, of arguments in the order of `nodes`."""
        remaining = iter(arguments)
        return [
            size.expression(tuple(next(remaining) for _ in size.nodes)) if isinstance(size, Sized) else name(str(size))
            for size in self.sizes
        ]

    def shape(self, arguments: Sequence[Expression]) -> Value:
        """As the shape of a new array: a number for a vector, else a tuple."""
        found = self.expressions(arguments)
        return found[0] if len(found) == 1 else tuple(found)


def sized_shape(values: Values, op: Operation, sizes: Sequence[int | Dim], *, refused: bool = True) -> SizedList | None:
    """How to find sizes; None, and the op refused, where no argument has one of them."""
    found: list[int | Sized] = []
    for size in sizes:
        if isinstance(size, int) or as_dim(size).is_static:
            found.append(as_dim(size).value)
            continue
        one = sized(size, tuple(values.inputs))
        if one is None:
            if refused:
                values.refuse(op, f"no argument has the size {size}")
            return None
        found.append(one)
    return SizedList(found)
