"""From what a caller passes to memory that native code may read or write, without copies where there is a way."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neuralc.runtime.description import Port, format_shape
from neuralc.runtime.errors import ModelError

Array: TypeAlias = NDArray[Any]

ADDRESSES = (ctypes.c_size_t * (1 << 58)).from_address(object.__basicsize__)
"""`ADDRESSES[id(array) >> 3]` is the address of the first element of an ndarray.

The object begins with the head of all objects, whose size differs among builds of CPython, and then with this address:
`PyArrayObject_fields`, which the ABI of numpy fixes as C extensions read it without a call. It takes a third of the
time of the buffer protocol, a tenth of that of `array.ctypes.data`, and is as fast where an array is read-only or has
no elements. Where objects are laid out otherwise, this module is not imported.
"""

_PROBE = np.zeros(1)
if sys.implementation.name != "cpython" or ADDRESSES[id(_PROBE) >> 3] != _PROBE.ctypes.data:
    raise ImportError("neuralc.runtime needs CPython, and a numpy whose arrays begin with their address")


def order_inputs(ports: Sequence[Port], given: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """Inputs by position, then by name, in the model's order. Raises E0904 for a missing, unknown or surplus one."""
    takes = "the model takes " + (", ".join(f"`{port.name}`" for port in ports) or "no inputs")
    if len(given) > len(ports):
        raise ModelError("E0904", f"{len(given)} inputs are given, the model has {len(ports)}", takes)
    names = [port.name for port in ports]
    for name in named:
        if name not in names:
            raise ModelError("E0904", f"the model has no input `{name}`", takes)
        if name in names[: len(given)]:
            raise ModelError("E0904", f"input `{name}` is given by position and by name", "leave one out")
    for name in names[len(given) :]:
        if name not in named:
            raise ModelError("E0904", f"input `{name}` is missing", takes)
    return (*given, *(named[name] for name in names[len(given) :]))


def as_input(value: Any, port: Port) -> Array:
    """A dense array of the port's dtype; copied only where the memory is not dense. Raises E0904."""
    array = _as_array(value, port)
    if port.is_bfloat16 and array.dtype == np.uint16 != port.dtype:
        array = array.view(port.dtype)  # the bits, from a caller without ml_dtypes
    if array.dtype != port.dtype:
        raise ModelError(
            "E0904",
            f"input `{port.name}` is {array.dtype}, the model takes {port.dtype_name}",
            f"convert it with `.astype({port.dtype.name!r})`",
        )
    flags = array.flags
    # ascontiguousarray would keep a dense array that does not begin at a multiple of its element size.
    return array if flags.c_contiguous and flags.aligned else array.copy(order="C")


def _as_array(value: Any, port: Port) -> Array:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, np.generic):
        return np.asarray(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    if not hasattr(value, "__dlpack__"):
        raise ModelError(
            "E0904",
            f"input `{port.name}` is a {kind}, not an array",
            f"`np.asarray(value, {port.dtype.name!r})` makes one",
        )
    try:
        array: Array = np.from_dlpack(value)
    except (BufferError, TypeError, ValueError, RuntimeError) as fault:
        # Each library has an exception of its own for memory that numpy cannot see.
        reason = str(fault).partition("\n")[0].rstrip(".")
        raise ModelError(
            "E0904",
            f"input `{port.name}`, a {kind}, is not readable by numpy: {reason}",
            "detach it, copy it to the CPU",
        ) from None
    return array


def as_outputs(out: Any, ports: Sequence[Port], wanted: Sequence[tuple[tuple[int, ...], Any]]) -> list[Array]:
    """The arrays of `out=`, one or a sequence, checked. Raises E0908."""
    given = [out] if type(out) is np.ndarray else out
    if not isinstance(given, (list, tuple)) or len(given) != len(ports):
        expected = "one array" if len(ports) == 1 else f"a sequence of {len(ports)} arrays"
        raise ModelError("E0908", f"`out` is not {expected}", "`np.empty` makes them; without `out` the model does")
    for array, port, (shape, dtype) in zip(given, ports, wanted, strict=True):
        if type(array) is not np.ndarray or array.dtype != dtype or array.shape != shape:
            raise ModelError(
                "E0908",
                f"`out` of output `{port.name}` is {_kind(array)}, the model gives {port.dtype} {format_shape(shape)}",
                f"`np.empty({shape}, {port.dtype.name!r})` fits",
            )
        if not array.flags.carray:
            raise ModelError(
                "E0908", f"`out` of output `{port.name}` is not dense, aligned and writeable", "give a fresh `np.empty`"
            )
    return list(given)


def check_overlap(
    ports: Sequence[Port],
    results: Sequence[int],
    result_bytes: Sequence[int],
    inputs: Sequence[int],
    input_bytes: Sequence[int],
) -> None:
    """Raise E0908 where an output shares memory with an input or an output before it: addresses of dense arrays."""
    for number, size in enumerate(result_bytes):
        begin = results[number]
        end = begin + size
        for place, other_size in enumerate(input_bytes):
            other = inputs[place]
            if other < end and begin < other + other_size:
                raise _shared(ports[number])
        for place in range(number):
            if results[place] < end and begin < results[place] + result_bytes[place]:
                raise _shared(ports[number])


def _shared(port: Port) -> ModelError:
    return ModelError(
        "E0908", f"`out` of output `{port.name}` shares memory with another array", "give a fresh `np.empty`"
    )


def _kind(value: Any) -> str:
    return f"{value.dtype} {format_shape(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__
