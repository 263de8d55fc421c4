"""Lists of sizes in emitted code, or a refusal where no argument has a symbolic one."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim
from neuralc.emit.python.expressions import Expression, Value
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values


def sized_shape(values: Values, op: Operation, sizes: Sequence[int | Dim], *, refused: bool = True) -> Sizes | None:
    """How to find sizes; None, and the op refused, where no argument has one of them."""
    found = Sizes(sizes, values.inputs)
    if found.absent is None:
        return found
    if refused:
        values.refuse(op, f"no argument has the size {found.absent}")
    return None


def shape_argument(sizes: Sequence[Expression]) -> Value:
    """The shape of a new array: a number for a vector, else a tuple."""
    return sizes[0] if len(sizes) == 1 else tuple(sizes)
