"""Arrays that lie in a file: mapped into memory, read when they are used; and how a file of them is written.

A model's weights may be larger than what should be in memory twice; `WeightStore.release` lets mapped pages go again.
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.grammar.files_read import reads


def map_file(path: Path) -> mmap.mmap:
    """The bytes of a file. Raises OSError; ValueError for an empty one."""
    reads(path)
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def array_at(mapping: mmap.mmap, offset: int, dtype: np.dtype[Any], shape: Sequence[int]) -> NDArray[Any]:
    """The array of a shape whose first byte is at `offset`. Raises ValueError where it reaches past the file."""
    count = math.prod(shape)
    if offset < 0 or offset + count * dtype.itemsize > len(mapping):
        raise ValueError(f"{count} values of {dtype} at byte {offset} reach past the {len(mapping)} bytes of the file")
    if count == 0:
        return np.empty(shape, dtype)
    return np.frombuffer(mapping, dtype, count, offset).reshape(shape)


def safetensors_arrays(
    path: Path, entries: Iterable[tuple[str, np.dtype[Any], Sequence[int]]]
) -> dict[str, NDArray[Any]]:
    """Arrays of a safetensors file that `safetensors` has opened, and so checked; by name, dtype and shape.

    The file is the length of its header, the header as JSON with the place of each array, and the bytes
    (https://github.com/huggingface/safetensors#format).
    """
    mapping = map_file(path)
    length = int.from_bytes(mapping[:8], "little")
    header = json.loads(mapping[8 : 8 + length])
    return {
        name: array_at(mapping, 8 + length + header[name]["data_offsets"][0], dtype, shape)
        for name, dtype, shape in entries
    }


_SAFETENSORS_TYPES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32", "int32": "I32",
    "uint64": "U64", "int64": "I64", "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
}  # fmt: skip
"""The names of the format for numpy's types (and those of ml_dtypes)."""


def safetensors_pieces(arrays: Mapping[str, NDArray[Any]], format: str = "np") -> Iterator[bytes | memoryview]:
    """The bytes of a safetensors file, array by array: what is mapped is read when it is written, and no array is
    copied that lies in memory as the file wants it. `format` says in the metadata whose names and layouts these are.
    Raises ValueError for an element type that safetensors lacks.
    """
    header: dict[str, object] = {"__metadata__": {"format": format}}
    offset = 0
    for name, array in arrays.items():
        if array.dtype.name not in _SAFETENSORS_TYPES:
            raise ValueError(f"safetensors has no element type {array.dtype}, which `{name}` has")
        header[name] = {
            "dtype": _SAFETENSORS_TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # arrays start at multiples of eight
    yield len(text).to_bytes(8, "little") + text
    for array in arrays.values():
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
