"""From what a caller passes to what a model takes: inputs by name or position, checked, and the sizes they fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from xdsl.ir import Attribute

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import DimOp
from neuralc.dialects.interp.numerics import Array, Numerics
from neuralc.dialects.types import element_of, format_shape, is_float, numpy_dtype, shape_of
from neuralc.grammar.diagnostics import error, suggest

Inputs: TypeAlias = Mapping[str, Any] | Sequence[Any]


def order_inputs(names: Sequence[str], inputs: Inputs) -> list[Array]:
    """The arrays in the model's order. Raises E0904 for a missing, unknown or surplus input."""
    if not isinstance(inputs, Mapping):
        if len(inputs) != len(names):
            raise error("E0904", f"the model takes {len(names)} inputs, got {len(inputs)}", note=_takes(names))
        return [np.asarray(array) for array in inputs]
    for name in inputs:
        if name not in names:
            raise error("E0904", f"the model has no input `{name}`", note=_takes(names), help=suggest(name, names))
    for name in names:
        if name not in inputs:
            raise error("E0904", f"input `{name}` is missing", note=_takes(names))
    return [np.asarray(inputs[name]) for name in names]


def check_inputs(names: Sequence[str], types: Sequence[Attribute], arrays: Sequence[Array], numerics: Numerics) -> None:
    """Raise E0904 where an array has the wrong dtype or rank; float64 stands for any float in an exact run."""
    for name, type_, array in zip(names, types, arrays, strict=True):
        dtype = numpy_dtype(element_of(type_))
        wide = numerics is Numerics.EXACT and is_float(element_of(type_)) and array.dtype == np.float64
        if array.dtype != dtype and not wide:
            raise error(
                "E0904",
                f"input `{name}` is {array.dtype}, the model takes {dtype}",
                help=f"convert it with `.astype({str(dtype)!r})`",
            )
        shape = shape_of(type_)
        if len(shape) != array.ndim:
            found = format_shape(array.shape)
            raise error("E0904", f"input `{name}` has shape {found}, the model takes {format_shape(shape)}")


def bind_dims(
    names: Sequence[str], types: Sequence[Attribute], shapes: Sequence[Sequence[int]], declared: Mapping[str, DimOp]
) -> dict[str, int]:
    """The size of every symbol that an input's shape names.

    Raises E0904 where a fixed size differs, where one symbol would have two sizes, or outside of its declared bounds.
    """
    sizes: dict[str, int] = {}
    first: dict[str, str] = {}
    places = [
        (f"dim {axis} of input `{name}`", expected, found)
        for name, type_, shape in zip(names, types, shapes, strict=True)
        for axis, (expected, found) in enumerate(zip(shape_of(type_), shape, strict=True))
    ]
    for place, expected, found in places:
        symbol, size = _solved(expected, found)
        if symbol is not None and symbol not in sizes:
            _check_bounds(symbol, size, place, declared)
            sizes[symbol], first[symbol] = size, place
    for place, expected, found in places:
        size = expected.evaluate(sizes) if isinstance(expected, Dim) else expected
        if size != found:
            reason = None
            if isinstance(expected, Dim):
                reason = [f"`{symbol}` is {sizes[symbol]}: {first[symbol]}" for symbol in sorted(expected.symbols)]
            shown = str(size) if str(size) == str(expected) else f"{expected} = {size}"
            raise error("E0904", f"{place} is {found}, the model takes {shown}", note=reason)
    return sizes


def _solved(expected: int | Dim, found: int) -> tuple[str | None, int]:
    """The symbol of a size that gives one, and its value, rounded down; None for other sizes."""
    linear = expected.linear if isinstance(expected, Dim) else None
    if linear is None:
        return None, 0
    symbol, factor, offset = linear
    return symbol, (found - offset) // factor


def _check_bounds(symbol: str, size: int, place: str, declared: Mapping[str, DimOp]) -> None:
    if symbol not in declared:
        return
    low, high = declared[symbol].minimum.data.value, declared[symbol].maximum
    if size < low or (high is not None and size > high.data.value):
        bounds = f"at least {low}" if high is None else f"from {low} to {high.data}"
        raise error("E0904", f"{place} is {size}, `{symbol}` is {bounds}")


def _takes(names: Sequence[str]) -> str:
    return "it takes " + ", ".join(f"`{name}`" for name in names)
