"""A native context with all that a call needs ready: pointers, the sizes of the last run. One thread at a time."""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from neuralc.runtime.arrays import ADDRESSES, as_input, as_outputs, check_overlap
from neuralc.runtime.description import Description, Port
from neuralc.runtime.errors import ModelError
from neuralc.runtime.interface import Interface
from neuralc.runtime.sizes import Sizes, SizeTable

_Shape: TypeAlias = tuple[int, ...]
_Usual: TypeAlias = tuple[_Shape, np.dtype[Any], int, Any, _Shape, np.dtype[Any], int]
"""The last run of a model of one input and one output: shape, dtype and bytes of the input, dims, then the output's."""

_ndarray, _empty, _addresses = np.ndarray, np.empty, ADDRESSES


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
        self._table = sizes
        self._inputs = (ctypes.c_size_t * len(self._ports))()
        self._outputs = (ctypes.c_size_t * len(self._results))()
        self._shapes: tuple[tuple[int, ...], ...] | None = None
        self._sizes: Sizes
        self._usual: _Usual | None = None
        self._run = interface.run
        self._native = interface.create(threads)
        # Made once: ctypes takes references in half the time that arrays take, and faster than pointers.
        self._to_native = ctypes.byref(ctypes.c_char.from_address(self._native.value or 0))
        self._to_inputs = ctypes.byref(self._inputs)
        self._to_outputs = ctypes.byref(self._outputs)
        # Not __del__: of garbage in a cycle, as an exception makes it, the code may be unloaded before a context that
        # needs it to end. The finalizer keeps the code.
        self._end = weakref.finalize(self, _destroy, interface, self._native, os.getpid())
        self._end.atexit = False

    def run(self, inputs: Sequence[Any], out: Any = None) -> Any:
        """The outputs: one array, or a tuple in the model's order. Raises ModelError E0904, E0908 to E0912.

        Where the model has one input and one output, and both are as in the last run, native code is called at once:
        each statement here is a tenth of what a call from Python adds to one from C. All else goes the long way, which
        checks and says what is wrong.
        """
        usual = self._usual
        if usual is None:
            return self._run_any(inputs, out)
        (value,) = inputs
        shape, dtype, size, to_dims, result_shape, result_dtype, result_size = usual
        if type(value) is not _ndarray or value.dtype is not dtype or value.shape != shape or not value.flags.carray:
            return self._run_any(inputs, out)
        begin = self._inputs[0] = _addresses[id(value) >> 3]
        if out is None:
            out = _empty(result_shape, result_dtype)
            self._outputs[0] = _addresses[id(out) >> 3]
        else:
            if (
                type(out) is not _ndarray
                or out.dtype is not result_dtype
                or out.shape != result_shape
                or not out.flags.carray
            ):
                return self._run_any(inputs, out)
            result = self._outputs[0] = _addresses[id(out) >> 3]
            if begin < result + result_size and result < begin + size:
                return self._run_any(inputs, out)
        status = self._run(self._to_native, self._to_inputs, to_dims, self._to_outputs)
        if status != 0:
            raise self._interface.failure(status)
        return out

    @property
    def ports(self) -> Sequence[Port]:
        """The inputs."""
        return self._ports

    @property
    def results(self) -> Sequence[Port]:
        """The outputs."""
        return self._results

    @property
    def shapes(self) -> tuple[_Shape, ...] | None:
        """Those of the inputs of the last run."""
        return self._shapes

    def sizes_of(self, shapes: tuple[_Shape, ...]) -> Sizes:
        """What a run on inputs of these shapes needs. Raises ModelError E0904."""
        return self._table.of(shapes)

    @property
    def addresses(self) -> tuple[int, int]:
        """What native code is called by: the function, and the context."""
        return ctypes.cast(self._run, ctypes.c_void_p).value or 0, self._native.value or 0

    def failure(self, status: int) -> ModelError:
        """The error of a status."""
        return self._interface.failure(status)

    def _run_any(self, given: Sequence[Any], out: Any) -> Any:
        """`run` for any inputs, given or wanted in any form."""
        pointers, addresses = self._inputs, self._outputs
        inputs = []
        for number, port in enumerate(self._ports):
            value = given[number]
            if type(value) is not _ndarray or value.dtype is not port.dtype or not value.flags.carray:
                value = as_input(value, port)
            pointers[number] = _addresses[id(value) >> 3]
            inputs.append(value)
        shapes = tuple([value.shape for value in inputs])
        if shapes != self._shapes:
            self._measure(shapes)
        sizes = self._sizes
        if out is None:
            results = [_empty(shape, dtype) for shape, dtype in sizes.outputs]
        else:
            results = as_outputs(out, self._results, sizes.outputs)
        for number, result in enumerate(results):
            addresses[number] = _addresses[id(result) >> 3]
        if out is not None:
            check_overlap(self._results, addresses[:], sizes.output_bytes, pointers[:], sizes.input_bytes)
        status = self._run(self._to_native, self._to_inputs, sizes.to_dims, self._to_outputs)
        if status != 0:
            raise self._interface.failure(status)
        return results[0] if len(results) == 1 else tuple(results)

    def _measure(self, shapes: tuple[tuple[int, ...], ...]) -> None:
        """Look up the sizes of a run on inputs of these shapes: runs to come expect them."""
        sizes = self._sizes = self._table.of(shapes)
        self._shapes = shapes
        if len(self._ports) == 1 and len(self._results) == 1:
            self._usual = (
                shapes[0],
                self._ports[0].dtype,
                sizes.input_bytes[0],
                sizes.to_dims,
                *sizes.outputs[0],
                sizes.output_bytes[0],
            )

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
