"""The values of an expression, and how messages show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import ShapeError, element_of, format_shape, numpy_dtype, shape_of
from neuralc.frontends.sizes import Size


@dataclass(frozen=True)
class Element:
    """A type as a value: `float32`, `x.dtype`."""

    dtype: np.dtype[Any]


Number: TypeAlias = bool | int | float | Dim
Value: TypeAlias = "SSAValue | Number | str | Element | tuple[Value, ...] | None"


def is_number(value: Value) -> bool:
    return isinstance(value, bool | int | float | Dim)


def type_name(x: SSAValue) -> str:
    return numpy_dtype(element_of(x.type)).name


def described(value: Value) -> str:
    """A value as messages show it: `(batch, 8) float32` for a tensor."""
    match value:
        case SSAValue():
            return f"{format_shape(shape_of(value.type))} {type_name(value)}"
        case Element():
            return value.dtype.name
        case tuple():
            return f"({', '.join(map(described, value))}{',' if len(value) == 1 else ''})"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


# --- arguments of functions ------------------------------------------------------------------------------------------
def tensor_of(value: Value, what: str = "this") -> SSAValue:
    if not isinstance(value, SSAValue):
        raise ShapeError(f"{what} is computed from a value of the model, not from {described(value)}")
    return value


def whole(value: Value, name: str) -> int:
    """Raises ShapeError for anything but a whole number that is known when the model is compiled."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ShapeError(f"`{name}` is a whole number, not {described(value)}")
    return value


def size_of(value: Value, name: str) -> Size:
    if isinstance(value, bool) or not isinstance(value, int | Dim):
        raise ShapeError(f"`{name}` is a size, not {described(value)}")
    return value


def flag(value: Value, name: str) -> bool:
    if not isinstance(value, bool):
        raise ShapeError(f"`{name}` is True or False, not {described(value)}")
    return value


def wholes(value: Value, name: str) -> tuple[int, ...]:
    """One whole number, or several."""
    return tuple(whole(part, name) for part in (value if isinstance(value, tuple) else (value,)))


def sizes_of(value: Value, name: str, least: int = 0) -> tuple[Size, ...]:
    """One size, or several; what is known is at least `least`."""
    sizes = tuple(size_of(part, name) for part in (value if isinstance(value, tuple) else (value,)))
    for size in sizes:
        if isinstance(size, int) and size < least:
            raise ShapeError(f"`{name}` {size} is below {least}")
    return sizes


def axes_of(value: Value, rank: int, name: str = "axis") -> tuple[int, ...]:
    """Axes from 0 on, in the order given; all of them for None."""
    if value is None:
        return tuple(range(rank))
    axes = []
    for axis in wholes(value, name):
        if not -rank <= axis < rank:
            raise ShapeError(f"`{name}` {axis} is outside of {rank} axes")
        if axis % rank in axes:
            raise ShapeError(f"`{name}` names the axis {axis} twice")
        axes.append(axis % rank)
    return tuple(axes)


def axis_of(value: Value, rank: int, name: str = "axis") -> int:
    return axes_of(whole(value, name), rank, name)[0]
