"""Arrays that lie in a file: mapped into memory, read when they are used, never written.

A model's weights may be larger than what should be in memory twice; `WeightStore.release` lets mapped pages go again.
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def map_file(path: Path) -> mmap.mmap:
    """The bytes of a file. Raises OSError; ValueError for an empty one."""
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
