"""A native context with all that a call needs ready: pointers, the sizes of the last run. One thread at a time."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from neuralc.runtime.arrays import as_input, as_outputs, check_overlap
from neuralc.runtime.description import Description
from neuralc.runtime.interface import Interface
from neuralc.runtime.sizes import Sizes, SizeTable

_ndarray, _empty = np.ndarray, np.empty
_from_buffer, _addressof = ctypes.c_char.from_buffer, ctypes.addressof


def _slow_address(array: Any) -> int:
    """Where a read-only array begins, or one without elements; it takes six times as long as for others."""
    address: int = array.__array_interface__["data"][0]
    return address


class Context:
    """Runs one model. `threads` 0 is as the model was compiled. Raises ModelError E0909 when it cannot be made."""

    def __init__(
        self, interface: Interface, description: Description, sizes: SizeTable, threads: int, resets: int
    ) -> None:
        self.resets = resets
        """How many resets of its model the context has seen."""
        self._interface = interface
        self._ports = description.inputs
        self._results = description.outputs
        self._dtypes = [(number, port.dtype) for number, port in enumerate(description.inputs)]
        self._table = sizes
        self._inputs = (ctypes.c_size_t * len(self._ports))()
        self._outputs = (ctypes.c_size_t * len(self._results))()
        # Made once: ctypes takes references in half the time that arrays take.
        self._to_inputs = ctypes.byref(self._inputs)
        self._to_outputs = ctypes.byref(self._outputs)
        self._shapes: list[tuple[int, ...]] | None = None
        self._sizes: Sizes
        self._run = interface.run
        self._native = interface.create(threads)
        # Not __del__: of garbage in a cycle, as an exception makes it, the code may be unloaded before a context that
        # needs it to end. The finalizer keeps the code.
        self._end = weakref.finalize(self, _destroy, interface, self._native, os.getpid())
        self._end.atexit = False

    def run(self, inputs: Sequence[Any], out: Any = None) -> Any:
        """The outputs: one array, or a tuple in the model's order. Raises ModelError E0904, E0908 to E0912.

        This is the path every call takes: an array that fits is passed on by its address, with no helper between.
        """
        pointers = self._inputs
        shapes = []
        for number, dtype in self._dtypes:
            value = inputs[number]
            if type(value) is not _ndarray or value.dtype is not dtype or not value.flags.carray:
                value = as_input(value, self._ports[number])
                inputs = [*inputs[:number], value, *inputs[number + 1 :]]
            try:
                pointers[number] = _addressof(_from_buffer(value))
            except (TypeError, ValueError):
                pointers[number] = _slow_address(value)
            shapes.append(value.shape)
        if shapes != self._shapes:
            self._sizes = self._table.of(tuple(shapes))
            self._shapes = shapes
        sizes = self._sizes
        if out is None:
            results = []
            for shape, dtype in sizes.outputs:  # a comprehension is a call until Python 3.12
                results.append(_empty(shape, dtype))
        else:
            results = self._taken(out, sizes)
        addresses = self._outputs
        result: Any
        for number, result in enumerate(results):
            try:
                addresses[number] = _addressof(_from_buffer(result))
            except ValueError:
                addresses[number] = _slow_address(result)
        if out is not None:
            check_overlap(self._results, results, addresses[:], inputs, pointers[:])
        status = self._run(self._native, self._to_inputs, sizes.to_dims, self._to_outputs)
        if status != 0:
            raise self._interface.failure(status)
        return results[0] if len(results) == 1 else tuple(results)

    def _taken(self, out: Any, sizes: Sizes) -> list[Any]:
        """The arrays of `out=`, checked; one array that fits is seen at a glance."""
        if type(out) is _ndarray and len(sizes.outputs) == 1:
            shape, dtype = sizes.outputs[0]
            if out.dtype is dtype and out.shape == shape and out.flags.carray:
                return [out]
        return as_outputs(out, self._results, sizes.outputs)

    def reset(self, resets: int) -> None:
        """Forget the states; the number of resets is `resets` now."""
        self._interface.reset(self._native)
        self.resets = resets

    def close(self) -> None:
        """Free the native context, which does not run again."""
        self._end()


def _destroy(interface: Interface, native: ctypes.c_void_p, process: int) -> None:
    """A process that was forked leaves a context alone, for its threads are not there."""
    if os.getpid() == process:
        interface.destroy(native)
