"""What a name in an imported graph stands for: a value of the IR, values known while importing, or both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.types import AnyTensor, Shape, element_of, is_float, numpy_dtype, shape_of, tensor_type
from neuralc.frontends.sizes import Size
from neuralc.pin_dims import Substitution

Array = NDArray[Any]


@dataclass(eq=False)
class Value:
    """A tensor of the model. Made by the builder, used by handlers; `ssa` is made when data is needed.

    `known` holds the values where the import knows them: of the dtype that `element` says, or an object array of int
    and Dim (then at least one is symbolic). Large ones are views of the file and only looked at where a handler asks.
    """

    name: str
    element: Attribute
    known: Array | None = None
    ssa: SSAValue | None = None
    weight: bool = False
    """A tensor of the file, which becomes a weight under its name."""
    stays: bool = False
    """A weight whatever its values are; others that are one number everywhere become that number."""
    derived: bool = False
    """Computed from tensors of the file alone: the passes make it a weight of its own."""

    @property
    def shape(self) -> Shape:
        if self.known is not None:
            return self.known.shape
        return shape_of(self._value().type)

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def type(self) -> AnyTensor:
        return tensor_type(self.shape, self.element)

    @property
    def is_symbolic(self) -> bool:
        """Known, and some of its values are sizes that a run decides."""
        return self.known is not None and self.known.dtype == object

    @property
    def is_parameter(self) -> bool:
        """Held by the model: a tensor of the file, or what follows from such tensors."""
        return self.numbers is not None or self.derived

    @property
    def is_matrix(self) -> bool:
        """A tensor of the file that is the kernel of a layer, not a number or a vector that something is made of."""
        return self.weight and self.known is not None and self.rank > 1 and is_float(self.element)

    @property
    def numbers(self) -> Array | None:
        """The values where they are the same in every run."""
        return None if self.is_symbolic else self.known

    def resize(self, change: Substitution) -> None:
        """Put other sizes in the place of symbols among the known values."""
        if self.known is not None:
            flat = [change.size(size) if isinstance(size, Dim) else size for size in self.known.reshape(-1)]
            self.known = known_array(objects(flat, self.known.shape), self.element)

    def _value(self) -> SSAValue:
        if self.ssa is None:
            raise ValueError(f"`{self.name}` has neither values nor a value of the IR")
        return self.ssa


def from_ssa(name: str, ssa: SSAValue) -> Value:
    return Value(name, element_of(ssa.type), None, ssa)


def known_array(values: Any, element: Attribute) -> Array:
    """An array of sizes and numbers in the form that `Value.known` has."""
    array = np.asarray(values)
    if array.dtype != object:
        return array.astype(numpy_dtype(element), copy=False)
    flat = [simplest(value) if isinstance(value, Dim) else value for value in array.reshape(-1)]
    if any(isinstance(value, Dim) for value in flat):
        return objects(flat, array.shape)
    return np.array(flat, numpy_dtype(element)).reshape(array.shape)


def objects(values: Iterable[Any], shape: Sequence[int]) -> Array:
    """An object array; numpy would look into the objects if it made one itself."""
    flat = list(values)
    array = np.empty(len(flat), object)
    for index, value in enumerate(flat):
        array[index] = value
    return array.reshape(tuple(shape))


def each(function: Callable[..., Any], *arrays: Array) -> Array:
    """A function of the elements of arrays that broadcast, as an object array."""
    spread = np.broadcast_arrays(*(as_objects(array) for array in arrays))
    values = (function(*row) for row in zip(*(array.reshape(-1) for array in spread), strict=True))
    return objects(values, spread[0].shape)


def as_objects(array: Array) -> Array:
    return array if array.dtype == object else objects(array.reshape(-1).tolist(), array.shape)


def as_size(value: Any) -> Size:
    """An element of a known array as a size."""
    return simplest(as_dim(value)) if isinstance(value, Dim) else int(value)
