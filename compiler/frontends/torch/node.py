"""One call of the program, as a handler sees it: what torch says of its results, and what builds graph ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.types import Shape, is_float, numpy_dtype, tensor_type
from neuralc.frontends.builder import Builder
from neuralc.frontends.node_builder import NodeBuilder
from neuralc.frontends.refusals import Refused
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.dtypes import common
from neuralc.frontends.values import Value

Number: TypeAlias = bool | int | float
Operand: TypeAlias = Value | Number


class Node(NodeBuilder):
    """What a handler is called with. Methods raise Refused and ShapeError."""

    def __init__(
        self,
        name: str,
        builder: Builder,
        op: str,
        results: Sequence[tuple[Attribute, Shape] | None],
        wanted: Sequence[bool],
    ) -> None:
        super().__init__(name, builder)
        self.op = op
        """Its name without library and overload."""
        self.results = results
        """Element type and shape of each, where torch says it."""
        self._wanted = wanted

    @property
    def element(self) -> Attribute:
        """The element type of the first result. Raises Refused where torch does not say it."""
        return self._result(0)[0]

    @property
    def shape(self) -> Shape:
        """The shape of the first result, with the sizes of now."""
        return self.builder.symbols.current(self._result(0)[1])

    def _result(self, index: int) -> tuple[Attribute, Shape]:
        found = self.results[index] if index < len(self.results) else None
        if found is None:
            raise Refused("with a result that is no tensor")
        return found

    def wants(self, index: int) -> bool:
        """True where somebody uses this result."""
        return index < len(self._wanted) and self._wanted[index]

    # --- operands ------------------------------------------------------------------------------------------------
    def value(self, x: Operand | Size, element: Attribute) -> Value:
        """An operand as a value of an element type."""
        if isinstance(x, Value):
            return self.cast(x, element)
        if is_float(element) and isinstance(x, int | float):
            return self.scalar(float(x), Value(self.name, element))
        return self.constant(np.asarray(x, object if not isinstance(x, int | float) else numpy_dtype(element)), element)

    def scalar(self, number: complex | np.generic, like: Value) -> Value:
        """A float keeps all its digits, whatever the type: runs in float64 compute with the number of the program."""
        if not is_float(like.element) or not isinstance(number, int | float):
            return super().scalar(number, like)
        result = tensor_type((), like.element)
        return self.builder.append(graph.ConstantOp.of(result=result, value=float(number)), self.name)[0]

    def fill(self, number: float, shape: Sequence[Size], element: Attribute) -> Value:
        sizes = [int(str(size)) for size in shape if isinstance(size, int)]
        if len(sizes) < len(shape):
            return super().fill(number, shape, element)
        value = float(number) if is_float(element) else number
        return self.builder.append(graph.ConstantOp.of(result=tensor_type(sizes, element), value=value), self.name)[0]

    def together(self, *operands: Operand) -> tuple[Value, ...]:
        """Operands in the type in which torch combines them."""
        element = common(operands)
        return tuple(self.value(x, element) for x in operands)

    def known(self, x: Operand, what: str) -> Number:
        """A number that the import has to know."""
        if not isinstance(x, Value):
            return x
        if x.numbers is None or x.numbers.size != 1:
            raise Refused(f"its {what} is computed when the model runs")
        found: Number = x.numbers.reshape(()).item()
        return found

    def whole(self, sizes: Sequence[Size], what: str) -> tuple[int, ...]:
        """Sizes that are the same in every run."""
        if not all(isinstance(size, int) for size in sizes):
            raise Refused(f"its {what} differ between runs")
        return tuple(int(str(size)) for size in sizes)

    def axes(self, dims: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
        """Axes counted from the front; none named is all of them."""
        if dims is None or (not isinstance(dims, int) and len(dims) == 0):
            return tuple(range(rank))
        return tuple(self.axis(axis, rank) for axis in ([dims] if isinstance(dims, int) else dims) if rank)
