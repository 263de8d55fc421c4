"""From the shapes of the inputs to the model's dims and the shapes of its outputs."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from neuralc.runtime.description import Description, Dim, Port, format_shape
from neuralc.runtime.errors import ModelError
from neuralc.runtime.interface import Interface

Shapes = tuple[tuple[int, ...], ...]

_REMEMBERED = 256

_LINEAR = re.compile(r"(?P<name>[A-Za-z_]\w*)(?: \* (?P<factor>[1-9]\d*))?(?: (?P<sign>[+-]) (?P<offset>\d+))?")
"""A size of an input that tells a dim."""


@dataclass(frozen=True)
class Sizes:
    """What a run needs to know: the dims as native code reads them, and what to allocate for the outputs."""

    dims: Any
    outputs: tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]
    """Shape and dtype of each."""
    input_bytes: tuple[int, ...]
    output_bytes: tuple[int, ...]

    @cached_property
    def to_dims(self) -> Any:
        """The dims as an argument of a native call."""
        return ctypes.byref(self.dims)


class SizeTable:
    """Sizes by the shapes of the inputs; those seen lately are remembered."""

    def __init__(self, interface: Interface, description: Description) -> None:
        self._interface = interface
        self._inputs = description.inputs
        self._outputs = description.outputs
        self._dims = {dim.name: dim for dim in description.dims}
        self._known: dict[Shapes, Sizes] = {}

    def of(self, shapes: Shapes) -> Sizes:
        """Raises E0904 where the shapes are not those of the model."""
        found = self._known.get(shapes)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[shapes] = self._bind(shapes)
        return found

    def _bind(self, shapes: Shapes) -> Sizes:
        for port, shape in zip(self._inputs, shapes, strict=True):
            if len(port.shape) != len(shape):
                raise _misfit(port, shape)
        values: dict[str, int] = {}
        for port, shape in zip(self._inputs, shapes, strict=True):
            for expected, size in zip(port.shape, shape, strict=True):
                name, value = _solved(expected, size) if isinstance(expected, str) else (None, 0)
                dim = self._dims.get(name) if name is not None else None
                if dim is not None and dim.name not in values:
                    _check_bounds(dim, value, port)
                    values[dim.name] = value
        for name in self._dims:
            if name not in values:
                raise ModelError(
                    "E0904",
                    f"the size of dim `{name}` cannot be told from the inputs",
                    f"compile with `--dim {name}=SIZE`, or let an input have it as a size",
                )
        dims = (ctypes.c_int64 * len(self._dims))(*(values[name] for name in self._dims))
        for number, (port, shape) in enumerate(zip(self._inputs, shapes, strict=True)):
            wanted = self._shape(0, number, port, dims)
            if wanted != shape:
                raise _misfit(port, shape, wanted, values)
        outputs = tuple((self._shape(1, number, port, dims), port.dtype) for number, port in enumerate(self._outputs))
        return Sizes(
            dims,
            outputs,
            tuple(port.dtype.itemsize * prod(shape) for port, shape in zip(self._inputs, shapes, strict=True)),
            tuple(dtype.itemsize * prod(shape) for shape, dtype in outputs),
        )

    def _shape(self, kind: int, number: int, port: Port, dims: Any) -> tuple[int, ...]:
        shape = self._interface.shape(kind, number, len(port.shape), dims)
        if shape is None:
            raise ModelError("E0909", f"the shape of `{port.name}` is not defined for these inputs", None)
        return shape


def _solved(expected: str, size: int) -> tuple[str | None, int]:
    """The dim of a size like `S`, `S * 4` or `S * 2 + 1`, and its value, rounded down; None for other sizes."""
    match = _LINEAR.fullmatch(expected)
    if match is None:
        return None, 0
    offset = int(match["offset"] or 0) * (-1 if match["sign"] == "-" else 1)
    return match["name"], (size - offset) // int(match["factor"] or 1)


def _check_bounds(dim: Dim, size: int, port: Port) -> None:
    if not dim.allows(size):
        origin = f" ({dim.origin})" if dim.origin else ""
        raise ModelError(
            "E0904",
            f"`{dim.name}` of input `{port.name}` is {size}, it may be {dim.bounds}{origin}",
            "pass another size",
        )


def _misfit(
    port: Port, shape: Sequence[int], wanted: Sequence[int] | None = None, values: dict[str, int] | None = None
) -> ModelError:
    """The input's shape, the model's, and with values where the shape has dims."""
    takes = format_shape(port.shape)
    if wanted is not None and values and any(isinstance(size, str) for size in port.shape):
        takes += f" = {format_shape(tuple(wanted))}"
    return ModelError(
        "E0904",
        f"input `{port.name}` has shape {format_shape(tuple(shape))}, the model takes {takes}",
        "reshape it; a single example needs a batch of 1: `x[None]`" if len(shape) + 1 == len(port.shape) else None,
    )
