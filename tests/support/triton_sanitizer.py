"""Bounds and race checks on Triton's interpreter: every place a program touches is inside an argument, and its own.

The interpreter itself reads and writes raw addresses: a forgotten mask gives garbage, or ends the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from triton.runtime import interpreter


class AccessError(RuntimeError):
    """A program left its memory, or two programs met in it."""


class _Launch:
    """What is known while one grid runs: the buffers, and which program wrote which address."""

    def __init__(self) -> None:
        self.buffers: list[tuple[int, int]] = []
        self.writers: dict[int, tuple[int, ...]] = {}

    def clear(self) -> None:
        """A new grid: other buffers, and no writer yet."""
        self.buffers.clear()
        self.writers.clear()

    def touched(self, pointers: Any, mask: Any, action: str) -> Any:
        """The addresses of the lanes that are not masked out, after checking that they are inside."""
        size = pointers.get_element_ty().primitive_bitwidth // 8 or 1
        places, active = np.broadcast_arrays(pointers.data, mask.data)
        places = places[active.astype(bool)].astype(np.uint64)
        inside = np.zeros(places.shape, bool)
        for start, end in self.buffers:
            inside |= (places >= start) & (places + np.uint64(size) <= end)
        if not inside.all():
            first = int(places[~inside][0])
            start, end = min(self.buffers, key=lambda buffer: min(abs(first - buffer[0]), abs(first - buffer[1])))
            raise AccessError(
                f"{action}: {int((~inside).sum())} lanes out of bounds in program {_program()}; the first is "
                f"{first - start:+d} bytes from the start of a buffer of {end - start} bytes"
            )
        return places

    def written(self, places: Any) -> None:
        if np.unique(places).size != places.size:
            raise AccessError(f"store: program {_program()} writes one address twice")
        for place in places.tolist():
            other = self.writers.setdefault(place, _program())
            if other != _program():
                raise AccessError(f"race: programs {other} and {_program()} store to one address")


def _program() -> tuple[int, ...]:
    return tuple(interpreter.interpreter_builder.grid_idx)


@contextmanager
def sanitized() -> Iterator[None]:
    """Check every load and store of the kernels that run inside. Raises AccessError from within them."""
    builder, executor = interpreter.InterpreterBuilder, interpreter.GridExecutor
    load, store = builder.create_masked_load, builder.create_masked_store
    convert, call = interpreter._implicit_cvt, executor.__call__
    launch = _Launch()

    def checked_load(self: Any, pointers: Any, mask: Any, *rest: Any) -> Any:
        launch.touched(pointers, mask, "load")
        return load(self, pointers, mask, *rest)

    def checked_store(self: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        launch.written(launch.touched(pointers, mask, "store"))
        return store(self, pointers, value, mask, *rest)

    def remember(argument: Any) -> Any:
        if hasattr(argument, "data_ptr"):
            start = argument.data_ptr()
            launch.buffers.append((start, start + argument.numel() * argument.element_size()))
        return convert(argument)

    def fresh_call(self: Any, *arguments: Any, **named: Any) -> Any:
        launch.clear()
        return call(self, *arguments, **named)

    builder.create_masked_load, builder.create_masked_store = checked_load, checked_store
    interpreter._implicit_cvt, executor.__call__ = remember, fresh_call
    try:
        yield
    finally:
        builder.create_masked_load, builder.create_masked_store = load, store
        interpreter._implicit_cvt, executor.__call__ = convert, call
