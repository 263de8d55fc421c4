"""Executes a bundle's manifest on numpy arrays, kernels in Triton's interpreter: what a runtime does with a driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.dialects.dims import Dim

Array = NDArray[Any]


class _Storage:
    """The memory behind a DeviceArray; it is on the host already, so copies are no work."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def data_ptr(self) -> int:
        return int(self._array.ctypes.data)

    def cpu(self) -> _Storage:
        return self

    def copy_(self, other: _Storage) -> None:
        """The same memory."""


class DeviceArray:
    """The few methods of a tensor that Triton's interpreter asks of an argument, on a numpy array."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.dtype = "bool" if array.dtype == np.bool_ else array.dtype.name

    def data_ptr(self) -> int:
        return int(self.array.ctypes.data)

    def untyped_storage(self) -> _Storage:
        return _Storage(self.array)

    def storage_offset(self) -> int:
        return 0

    def size(self) -> tuple[int, ...]:
        return self.array.shape

    def stride(self) -> tuple[int, ...]:
        return tuple(step // self.array.itemsize for step in self.array.strides)

    def numel(self) -> int:
        return self.array.size

    def element_size(self) -> int:
        return self.array.itemsize

    def new_empty(self, size: int, device: str) -> DeviceArray:
        return DeviceArray(self.array)

    def set_(self, *arguments: object) -> None:
        """The interpreter points a new tensor at the storage; ours already is."""


def run(
    manifest: Mapping[str, Any], module: Any, inputs: Mapping[str, Array], weights: Mapping[str, Array]
) -> list[Array]:
    """The outputs, in order."""
    sizes = {
        entry["name"]: (inputs[entry["input"]].shape[entry["axis"]] - entry.get("offset", 0)) // entry.get("factor", 1)
        for entry in manifest["dims"]
    }
    arena = np.zeros(_evaluate(manifest["arena_bytes"], sizes), np.uint8)
    outputs = {
        entry["name"]: np.zeros([_evaluate(size, sizes) for size in entry["shape"]], entry["dtype"])
        for entry in manifest["outputs"]
    }
    memory: list[Array] = []
    for buffer in manifest["buffers"]:
        match buffer["kind"]:
            case "input":
                raw = np.ascontiguousarray(inputs[buffer["name"]]).reshape(-1).view(np.uint8)
            case "output":
                raw = outputs[buffer["name"]].reshape(-1).view(np.uint8)
            case "weight":
                raw = np.ascontiguousarray(weights[buffer["weight"]]).reshape(-1).view(np.uint8)
            case "arena":
                raw = arena[_evaluate(buffer["offset"], sizes) :]
            case "view":
                raw = memory[buffer["of"]][_evaluate(buffer["offset"], sizes) :]
            case _:
                raw = np.zeros(_evaluate(buffer["bytes"], sizes), np.uint8)
        memory.append(raw[: _evaluate(buffer["bytes"], sizes)])
    _program(manifest["program"], manifest, module, memory, sizes)
    return list(outputs.values())


def _program(
    steps: Sequence[Mapping[str, Any]],
    manifest: Mapping[str, Any],
    module: Any,
    memory: Sequence[Array],
    sizes: Mapping[str, int],
) -> None:
    for step in steps:
        if "if" in step:
            lhs, relation, rhs = step["if"]
            a, b = _evaluate(lhs, sizes), _evaluate(rhs, sizes)
            holds = {">=": a >= b, "<=": a <= b, "==": a == b}[relation]
            _program(step["then" if holds else "else"], manifest, module, memory, sizes)
            continue
        entry = manifest["kernels"][step["launch"]]
        dims = [_evaluate(size, sizes) for size in step["dims"]]
        grid = _evaluate(entry["grid"], dict(zip(entry["dims"], dims, strict=True)))
        arrays = [DeviceArray(memory[place].view(manifest["buffers"][place]["dtype"])) for place in step["buffers"]]
        getattr(module, step["launch"])[(grid,)](*dims, *arrays)


def _evaluate(size: int | str, sizes: Mapping[str, int]) -> int:
    return size if isinstance(size, int) else Dim.parse(size).evaluate(sizes)
