"""Where the bytes of weights live: outside the IR, by symbol name, memory-mapped where they come from a file."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class WeightStore(MutableMapping[str, Array]):
    """Arrays by the names of their `graph.weight` symbols. Arrays are shared, not copied, and must not be written."""

    def __init__(self, arrays: Mapping[str, Array] | None = None) -> None:
        self._arrays: dict[str, Array] = dict(arrays or {})

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __setitem__(self, name: str, array: Array) -> None:
        self._arrays[name] = np.asarray(array)

    def __delitem__(self, name: str) -> None:
        del self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def release(self) -> None:
        """Let the pages of arrays that are mapped from files go: they are read again when they are needed again."""
        for mapping in {id(found): found for array in self._arrays.values() if (found := _mapping_of(array))}.values():
            if hasattr(mapping, "madvise"):
                mapping.madvise(mmap.MADV_DONTNEED)

    def detached(self) -> WeightStore:
        """The same values, none of them in a file that may change: for a model that lives on."""
        return WeightStore(
            {name: array if _mapping_of(array) is None else array.copy() for name, array in self._arrays.items()}
        )

    def digest(self, name: str) -> str:
        """A content address: the first 16 hex digits of SHA-256 over dtype, shape and bytes."""
        array = np.ascontiguousarray(self._arrays[name])
        digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
        return digest.hexdigest()[:16]


def _mapping_of(array: Array) -> mmap.mmap | None:
    """The read-only file mapping that an array is a view of."""
    owner: object = array
    while True:
        if isinstance(owner, np.ndarray):
            if owner.flags.writeable:
                return None  # what was written to it would be lost
            owner = owner.base
        elif isinstance(owner, memoryview):
            owner = owner.obj
        else:
            return owner if isinstance(owner, mmap.mmap) else None
